/*
 * A symplectic Euler integration of five bodies under Newton's gravity.
 * Positions and velocities are those of the JPL ephemeris commonly used for
 * this problem, in astronomical units and per day; masses in solar masses.
 */
#include "planets.h"

#define BODIES 5
#define DAYS_PER_YEAR 365.24
#define SOLAR_MASS (4 * 3.141592653589793 * 3.141592653589793)
#define STEP_YEARS 0.01

struct vector {
	double x, y, z;
};

struct body {
	struct vector position;
	struct vector velocity;
	double mass;
};

static const struct body ephemeris[BODIES] = {
	{
		/* Sun */
		.mass = 1.0,
	},
	{
		/* Jupiter */
		.position = {4.84143144246472090e+00, -1.16032004402742839e+00, -1.03622044471123109e-01},
		.velocity = {1.66007664274403694e-03, 7.69901118419740425e-03, -6.90460016972063023e-05},
		.mass = 9.54791938424326609e-04,
	},
	{
		/* Saturn */
		.position = {8.34336671824457987e+00, 4.12479856412430479e+00, -4.03523417114321381e-01},
		.velocity = {-2.76742510726411899e-03, 4.99852801234917238e-03, 2.30417297573763929e-05},
		.mass = 2.85885980666130812e-04,
	},
	{
		/* Uranus */
		.position = {1.28943695621391310e+01, -1.51111514016986312e+01, -2.23307578892655734e-01},
		.velocity = {2.96460137564761618e-03, 2.37847173959480950e-03, -2.96589568540237556e-05},
		.mass = 4.36624404335156298e-05,
	},
	{
		/* Neptune */
		.position = {1.53796971148509165e+01, -2.59193146099879641e+01, 1.79258772950371181e-01},
		.velocity = {2.68067772490389322e-03, 1.62824170038242295e-03, -9.51592254519715870e-05},
		.mass = 5.15138902046611451e-05,
	},
};

static struct body bodies[BODIES];

static double square_root(double value)
{
	double root;

	__asm__("sqrtsd %1, %0" : "=x"(root) : "x"(value));
	return root;
}

static struct vector difference(const struct body *a, const struct body *b)
{
	return (struct vector){
		a->position.x - b->position.x,
		a->position.y - b->position.y,
		a->position.z - b->position.z,
	};
}

static double squared(struct vector v)
{
	return v.x * v.x + v.y * v.y + v.z * v.z;
}

static void accelerate(struct body *body, struct vector direction, double amount)
{
	body->velocity.x += direction.x * amount;
	body->velocity.y += direction.y * amount;
	body->velocity.z += direction.z * amount;
}

void planets_reset(void)
{
	for (int i = 0; i < BODIES; i++) {
		struct body *body = &bodies[i];

		*body = ephemeris[i];
		body->mass *= SOLAR_MASS;
		body->velocity.x *= DAYS_PER_YEAR;
		body->velocity.y *= DAYS_PER_YEAR;
		body->velocity.z *= DAYS_PER_YEAR;
		/* The Sun, which comes first, takes up the others' momentum. */
		accelerate(&bodies[0], body->velocity, -body->mass / SOLAR_MASS);
	}
}

static void step(void)
{
	for (int i = 0; i < BODIES; i++) {
		for (int j = i + 1; j < BODIES; j++) {
			struct vector apart = difference(&bodies[i], &bodies[j]);
			double distance_squared = squared(apart);
			double magnitude = STEP_YEARS / (distance_squared * square_root(distance_squared));

			accelerate(&bodies[i], apart, -bodies[j].mass * magnitude);
			accelerate(&bodies[j], apart, bodies[i].mass * magnitude);
		}
	}
	for (int i = 0; i < BODIES; i++) {
		bodies[i].position.x += STEP_YEARS * bodies[i].velocity.x;
		bodies[i].position.y += STEP_YEARS * bodies[i].velocity.y;
		bodies[i].position.z += STEP_YEARS * bodies[i].velocity.z;
	}
}

void planets_advance(uint64_t steps)
{
	while (steps--)
		step();
}

double planets_energy(void)
{
	double energy = 0;

	for (int i = 0; i < BODIES; i++) {
		energy += 0.5 * bodies[i].mass * squared(bodies[i].velocity);
		for (int j = i + 1; j < BODIES; j++)
			energy -= bodies[i].mass * bodies[j].mass /
				  square_root(squared(difference(&bodies[i], &bodies[j])));
	}
	return energy;
}
