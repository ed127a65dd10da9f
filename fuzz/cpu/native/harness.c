/*
 * The native half of the fuzzer: makes inputs, runs the trampoline over them on this processor, and turns signals into
 * the words of an output record. Speaks with its parent by one command a line; arenas are shared memory.
 *   run ARENA COUNT MAKE   runs COUNT descriptors; makes their inputs first if MAKE is 1; answers "ran"
 * Leaves out what to run: descriptors and code are the parent's. Linux on x86-64 only.
 */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <cpuid.h>
#include <immintrin.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include "layout.h"
#include "inputs.h"

static const uint64_t arena_bases[] = ARENA_BASES;
__attribute__((used)) static uint64_t host_fs, saved_stack;
static volatile int running;
static char signal_stack[1 << 16] __attribute__((aligned(64)));

#define WORD(address) (*(volatile uint64_t *)(uintptr_t)(address))

/* More than any round takes. */
#define SECONDS 30

/* Vectors whose frame has an error code. */
#define HAS_ERROR_CODE 0x27d00u

static void fail(const char *what) {
  fprintf(stderr, "harness: %s\n", what);
  exit(2);
}

static void map(uint64_t address, uint64_t size, int fd) {
  int flags = MAP_FIXED_NOREPLACE | (fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED);
  off_t offset = 0;
  if (fd >= 0) offset = address == arena_bases[0] ? 0 : ARENA_SIZE;
  void *got = mmap((void *)address, size, PROT_READ | PROT_WRITE | PROT_EXEC, flags, fd, offset);
  if (got != (void *)address) fail("an address that the cases need is taken");
}

/* The same bytes as the guest's window: see fillWindow in guest.ts. */
static void fill_window(void) {
  for (int page = 0; WINDOW_PAGES[page]; page++) {
    if (WINDOW_PAGES[page] != 'w') continue;
    uint32_t *words = (uint32_t *)(WINDOW + page * 4096ul);
    for (int n = 0; n < 1024; n++) words[n] = (uint32_t)(page * 1024 + n) * 0x9e3779b1u;
  }
}

static void make_window(void) {
  map(WINDOW, strlen(WINDOW_PAGES) * 4096, -1);
  for (int page = 0; WINDOW_PAGES[page]; page++) {
    uint32_t *words = (uint32_t *)(WINDOW + page * 4096ul);
    for (int n = 0; n < 1024; n++) words[n] = (uint32_t)(page * 1024 + n) * 0x9e3779b1u;
    int protection = WINDOW_PAGES[page] == 'w' ? PROT_READ | PROT_WRITE : WINDOW_PAGES[page] == 'r' ? PROT_READ : PROT_NONE;
    if (WINDOW_PAGES[page] == '-') munmap(words, 4096);
    else mprotect(words, 4096, protection);
  }
}

/* The writable and readable pages of the window, in order, for the parent to compare. */
static void dump_window(uint64_t arena) {
  uint8_t *to = (uint8_t *)(arena + ARENA_WINDOW);
  for (int page = 0; WINDOW_PAGES[page]; page++) {
    if (WINDOW_PAGES[page] != '-') memcpy(to + page * 4096, (void *)(WINDOW + page * 4096ul), 4096);
  }
}

/* The tested code may have left AC set and FS changed; the compiler's code wants neither. */
__asm__(".globl signal_entry\n"
        "signal_entry:\n"
        "  pushfq\n"
        "  andq $~0x40000, (%rsp)\n"
        "  popfq\n"
        "  cld\n"
        "  rdfsbase %rax\n"
        "  pushq %rax\n"
        "  movq host_fs(%rip), %rax\n"
        "  wrfsbase %rax\n"
        "  call handle\n"
        "  popq %rax\n"
        "  wrfsbase %rax\n"
        "  ret\n");
void signal_entry(int, siginfo_t *, void *);

__attribute__((used)) static void handle(int number, siginfo_t *info, void *context) {
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  uint64_t rip = registers[REG_RIP];
  uint64_t vector = registers[REG_TRAPNO];
  int again = rip >= TRAMPOLINE && rip < VARIABLES && WORD(VARIABLE_FAULT);
  (void)info;
  if (!running || again || number == SIGALRM) {
    uint8_t *code = (uint8_t *)WORD(VARIABLE_CODE);
    fprintf(stderr, "signal %d at %lx, vector %lu; the code is", number, (unsigned long)rip, (unsigned long)vector);
    for (int n = 0; running && n < 32; n++) fprintf(stderr, " %02x", code[n]);
    fputc('\n', stderr);
    _exit(3);
  }
  WORD(VARIABLE_FAULT) = vector + 1;
  WORD(VARIABLE_FAULT + 8) = HAS_ERROR_CODE >> vector & 1 ? (uint64_t)registers[REG_ERR] & 0xffffffff : 0;
  WORD(VARIABLE_FAULT + 16) = vector == 14 ? (uint64_t)registers[REG_CR2] : 0;
  WORD(VARIABLE_FAULT + 24) = rip;
  WORD(VARIABLE_FAULT + 32) = (uint64_t)registers[REG_EFL];
  registers[REG_RIP] = (greg_t)WORD(VARIABLE_FINISH);
  registers[REG_EFL] &= ~0x10100l; /* TF and RF */
  registers[REG_CSGSFS] = (greg_t)(((uint64_t)registers[REG_CSGSFS] & 0xffffffff0000u) | 0x33 | 0x2bul << 48);
}

#define TEXT_OF(value) #value
#define TEXT(value) TEXT_OF(value)

/* Enters the trampoline with every register of ours saved, and comes back by VARIABLE_DONE. */
__asm__(".globl run_trampoline\n"
        "run_trampoline:\n"
        "  pushq %rbx; pushq %rbp; pushq %r12; pushq %r13; pushq %r14; pushq %r15\n"
        "  movq %rsp, saved_stack(%rip)\n"
        "  rdfsbase %rax; movq %rax, host_fs(%rip)\n"
        "  movl $" TEXT(FS_BASE) ", %eax; wrfsbase %rax\n"
        "  movl $" TEXT(GS_BASE) ", %eax; wrgsbase %rax\n"
        "  movl $" TEXT(TRAMPOLINE) ", %eax\n"
        "  jmp *%rax\n"
        ".globl trampoline_done\n"
        "trampoline_done:\n"
        "  movq saved_stack(%rip), %rsp\n"
        "  pushq $0x202; popfq\n"
        "  movq host_fs(%rip), %rax; wrfsbase %rax\n"
        "  popq %r15; popq %r14; popq %r13; popq %r12; popq %rbp; popq %rbx\n"
        "  ret\n");
void run_trampoline(void);
void trampoline_done(void);

static void run(uint64_t arena, uint64_t count, int make) {
  static const uint32_t default_mxcsr = 0x1f80;
  if (make) {
    for (uint64_t n = 0; n < count; n++) make_inputs((const uint8_t *)(arena + n * DESCRIPTOR_SIZE));
  }
  fill_window();
  WORD(VARIABLE_DESCRIPTOR) = arena;
  WORD(VARIABLE_DESCRIPTORS_LEFT) = count;
  WORD(VARIABLE_FAULT) = 0;
  /* Registers that variants do not set are the same for all. */
  if (__builtin_cpu_supports("avx")) __asm__ volatile("vzeroall");
  running = 1;
  alarm(SECONDS);
  run_trampoline();
  running = 0;
  alarm(0);
  __asm__ volatile("fninit; ldmxcsr %0" : : "m"(default_mxcsr));
  dump_window(arena);
}

/* Keeps to one processor, the first that may be had: programs see its number, in a segment's limit and by RDPID. */
static int stay_on_one(void) {
  cpu_set_t may;
  if (sched_getaffinity(0, sizeof may, &may)) fail("no list of the processors that may be used");
  int first = 0;
  while (!CPU_ISSET(first, &may)) first++;
  CPU_ZERO(&may);
  CPU_SET(first, &may);
  if (sched_setaffinity(0, sizeof may, &may)) fail("cannot keep to one processor");
  uint32_t limit = 0;
  __asm__("lsl %1, %0" : "+r"(limit) : "r"(NUMBER_SELECTOR));
  return (int)limit;
}

/* What this processor is and has, and where the parent finds the arenas. */
static void introduce(int fd, int number) {
  static const uint32_t leaves[][2] = {{1, 0}, {7, 0}, {13, 1}, {0x80000001u, 0}};
  uint32_t name[13] = {0};
  for (unsigned n = 0; n < 3; n++) {
    uint32_t *part = name + 4 * n;
    __cpuid(0x80000002u + n, part[0], part[1], part[2], part[3]);
  }
  printf("model %s\n", (char *)name);
  for (unsigned n = 0; n < sizeof leaves / sizeof *leaves; n++) {
    uint32_t a, b, c, d;
    __cpuid_count(leaves[n][0], leaves[n][1], a, b, c, d);
    printf("cpuid %x.%u %x %x %x %x\n", leaves[n][0], leaves[n][1], a, b, c, d);
  }
  printf("number %d\n", number);
  printf("memory %d %d\n", getpid(), fd);
  fflush(stdout);
}

int main(int argc, char **argv) {
  if (!(getauxval(AT_HWCAP2) & 2)) fail("this kernel does not let programs write FS and GS (Linux 5.9 does)");
  if (argc != 3) fail("want the file with the trampoline's code, and the address of its end");
  int number = stay_on_one();
  int fd = memfd_create("fuzz-arenas", 0);
  if (fd < 0 || ftruncate(fd, 2 * ARENA_SIZE)) fail("no memory for the arenas");
  for (int n = 0; n < 2; n++) map(arena_bases[n], ARENA_SIZE, fd);
  map(TRAMPOLINE, 0x2000, -1);
  FILE *code = fopen(argv[1], "rb");
  if (!code || !fread((void *)(uintptr_t)TRAMPOLINE, 1, 4096, code)) fail("no trampoline");
  fclose(code);
  mprotect((void *)(uintptr_t)TRAMPOLINE, 4096, PROT_READ | PROT_EXEC);
  make_window();
  WORD(VARIABLE_DONE) = (uint64_t)trampoline_done;
  WORD(VARIABLE_CLEAN_FLAGS) = 0x202;
  WORD(VARIABLE_FINISH) = strtoul(argv[2], NULL, 0);

  stack_t stack = {.ss_sp = signal_stack, .ss_size = sizeof signal_stack};
  struct sigaction action = {.sa_sigaction = signal_entry, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  sigaltstack(&stack, NULL);
  const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGALRM};
  for (unsigned n = 0; n < sizeof signals / sizeof *signals; n++) sigaction(signals[n], &action, NULL);
  introduce(fd, number);

  char line[128];
  while (fgets(line, sizeof line, stdin)) {
    unsigned arena, count, make;
    if (sscanf(line, "run %u %u %u", &arena, &count, &make) != 3 || arena > 1) fail("no such command");
    run(arena_bases[arena], count, (int)make);
    puts("ran");
    fflush(stdout);
  }
  return 0;
}
