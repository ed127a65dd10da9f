/* A Fourier transform of 1,024 complex doubles in place, forth and back, with twiddles from half-angle formulas. */
#include "mix-double.h"

#define BITS 10
#define POINTS (1u << BITS)

struct complex {
	double re, im;
};

static struct complex points[POINTS], twiddles[POINTS / 2];

static inline double square_root(double value)
{
	__asm__("sqrtsd %1, %0" : "=x"(value) : "x"(value));
	return value;
}

static struct complex times(struct complex a, struct complex b)
{
	return (struct complex){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

/* Powers of the root of unity: those at powers of two by halving angles, the rest by multiplying them. */
static void prepare(void)
{
	double cosine = -1, sine = 0;

	twiddles[0] = (struct complex){1, 0};
	for (unsigned at = POINTS / 4; at > 0; at /= 2) {
		double half = square_root((1 + cosine) / 2);

		sine = at == POINTS / 4 ? 1 : sine / (2 * half);
		cosine = half;
		twiddles[at] = (struct complex){cosine, -sine};
	}
	for (unsigned i = 1; i < POINTS / 2; i++) {
		unsigned low = i & -i;

		if (low != i)
			twiddles[i] = times(twiddles[i - low], twiddles[low]);
	}
	for (unsigned i = 0; i < POINTS; i++)
		points[i] = (struct complex){(double)(i * 37 % 101) / 50 - 1, 0};
}

static void reorder(void)
{
	for (unsigned i = 0, reversed = 0; i < POINTS; i++) {
		unsigned bit = POINTS / 2;

		if (i < reversed) {
			struct complex kept = points[i];

			points[i] = points[reversed];
			points[reversed] = kept;
		}
		for (; reversed & bit; bit /= 2)
			reversed ^= bit;
		reversed |= bit;
	}
}

static void transform(double direction)
{
	reorder();
	for (unsigned size = 2; size <= POINTS; size *= 2)
		for (unsigned start = 0; start < POINTS; start += size)
			for (unsigned i = 0; i < size / 2; i++) {
				struct complex twiddle = twiddles[i * (POINTS / size)];
				struct complex *low = &points[start + i], *high = low + size / 2, odd;

				twiddle.im *= direction;
				odd = times(*high, twiddle);
				*high = (struct complex){low->re - odd.re, low->im - odd.im};
				*low = (struct complex){low->re + odd.re, low->im + odd.im};
			}
}

static uint64_t run(uint64_t rounds, uint64_t check)
{
	while (rounds--) {
		points[check % POINTS].re += 0.125;
		transform(1);
		check = mix_double(check, points[1].re);
		check = mix_double(check, points[POINTS / 3].im);
		transform(-1);
		for (unsigned i = 0; i < POINTS; i++) {
			points[i].re /= POINTS;
			points[i].im /= POINTS;
		}
		check = mix_double(check, points[7].re);
	}
	return check;
}

const struct load fft_load = {"fft", prepare, run, 4};
