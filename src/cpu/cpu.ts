/**
 * One virtual CPU: its state in a WebAssembly memory, the interpreter that runs it, and the code cache behind that.
 * Between two runs it takes interrupts and single-step traps; within one, only WebAssembly moves.
 */

import { GuestMemory } from '../memory/guest-memory.js';
import { MAX_RAM, RAM_BASE, TABLE_MASK_BASE } from '../memory/layout.js';
import { BoundaryEvents } from './boundary-events.js';
import type { Bus, Hypercall, InterruptSource, LocalApicAccess, UnimplementedInstruction } from './bus.js';
import type { Exit } from './exit.js';
import { busFunctions } from './host-functions.js';
import { MissingInstructions } from './missing-instructions.js';
import { isTouched } from './mmu/table-notes.js';
import { PageKinds } from './page-kinds.js';
import { RunBudget } from './run-budget.js';
import * as state from './state.js';
import { ExitReason, Flag, RegionExit, RegionKey } from './state.js';
import { StateView } from './state-view.js';
import { enabledBreakpoints } from './system/breakpoints.js';
import { type CpuModel, cpuModel, DEFAULT_CPU_MODEL } from './system/cpu-model.js';
import { cpuid } from './system/cpuid.js';
import { callHypervisor } from './system/hypercall.js';
import { readAnyMsr, writeAnyMsr } from './system/local-apic-msr.js';
import { timeStamp } from './system/msr.js';
import {
  type FirstRegisters,
  forgetFilled,
  resetState,
  startLong,
  startProtected,
  startReal,
} from './system/reset.js';
import { CodeCache } from './tiers/interpreter/code-cache.js';
import type { Interpreter } from './tiers/interpreter/load.js';
import type { RegionHost, RegionStatistics, RegionTier } from './tiers/regions/region-tier.js';

export interface CpuOptions {
  readonly interpreter: Interpreter;
  /** Bytes, a multiple of 64 KiB, at most `MAX_RAM`. */
  readonly ramSize: number;
  readonly bus: Bus;
  readonly interrupts: InterruptSource;
  /** Without one there are no such registers, and CPUID shows none. */
  readonly localApic?: LocalApicAccess;
  /** Answers VMCALL and VMMCALL, which are #UD without it. */
  readonly hypercall?: Hypercall;
  /** Cycles since reset, for the time-stamp counter: they never go back. `retired` unless given. */
  readonly cycles?: () => bigint;
  /** Where the random numbers of RDRAND and RDSEED begin; a safe integer, 0 unless given. */
  readonly seed?: number;
  /** What it has and CPUID promises; `DEFAULT_CPU_MODEL` unless given. */
  readonly model?: CpuModel;
  /** Bytes for decoded code, all of it dropped when they are used up; as many as there are unless given. */
  readonly codeSpace?: number;
  /** Told of each kind of instruction that was run and has no meaning yet, the first time. */
  readonly onUnimplemented?: (instruction: UnimplementedInstruction) => void;
}

/** What has come of regions since reset. */
export interface RegionRecord extends RegionStatistics {
  /** Run in them. */
  readonly instructions: number;
  /** How often they were left, by why. */
  readonly exits: Readonly<Record<keyof typeof RegionExit, number>>;
}

/** What the interpreter's module exports. */
interface InterpreterExports {
  run(): void;
  watch(): void;
  deliverPending(): void;
  updateMode(): void;
  flushTlb(): void;
  forbidStores(physicalPage: number): void;
  changeTables(): void;
  translateFetch(delta: number): number;
  translateLinear(asFetch: number): number;
  adoptDirectoryPointers(): void;
}

/** The most instructions in one run: V8 swaps in optimised code only between runs. */
const LONGEST_RUN = 1 << 20;

export class Cpu {
  readonly memory: GuestMemory;
  readonly state: StateView;
  readonly #options: CpuOptions;
  readonly #model: CpuModel;
  readonly #memory: WebAssembly.Memory;
  readonly #exports: WebAssembly.Exports;
  readonly #wasm: InterpreterExports;
  readonly #cache: CodeCache;
  readonly #kinds: PageKinds;
  readonly #budget: RunBudget;
  readonly #events: BoundaryEvents;
  readonly #missing: MissingInstructions;
  #regions: RegionTier | undefined;
  /** What came of the instructions that the regions' tier had run, if that ends the run. */
  #exitMet: Exit | undefined;
  /** Instructions, those in regions, and entries into regions, when the regions' tier was last told. */
  #seenRetired = 0;
  #seenInRegions = 0;
  #seenEntries = 0;
  #watching = false;
  #stopRequested = false;
  /** After HLT, until an interrupt is taken. */
  #halted = false;
  /** After a triple fault, until reset. */
  #shutDown = false;

  constructor(options: CpuOptions) {
    const { ramSize } = options;
    if (ramSize <= 0 || ramSize % 65536 !== 0 || ramSize > MAX_RAM) {
      throw new RangeError(`RAM of ${ramSize} bytes: want a multiple of 65536 up to ${MAX_RAM}`);
    }
    const pages = (RAM_BASE + ramSize) / 65536;
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.#memory = memory;
    this.#options = options;
    this.#model = options.model ?? cpuModel(DEFAULT_CPU_MODEL);
    this.#kinds = new PageKinds(memory, ramSize);
    this.memory = new GuestMemory(memory, RAM_BASE, ramSize);
    this.state = new StateView(memory);
    this.#budget = new RunBudget(this.state);
    this.#missing = new MissingInstructions({
      view: this.state,
      memory: this.memory,
      absent: this.#model.absent,
      tell: (instruction) => options.onUnimplemented?.(instruction),
    });
    const env = { memory, ...this.#externals(memory) };
    this.#exports = new WebAssembly.Instance(options.interpreter.module, { env }).exports;
    this.#wasm = this.#exports as unknown as InterpreterExports;
    this.#events = new BoundaryEvents({
      view: this.state,
      interrupts: options.interrupts,
      deliver: () => this.#wasm.deliverPending(),
      retired: () => this.#budget.retired,
    });
    const fetchUnit = {
      translate: (delta: number) => (this.#wasm.translateFetch(delta) ? this.#exchanged() : undefined),
      isRam: (physical: number) => this.#kinds.isRam(physical),
      forbidStores: (page: number) => this.#wasm.forbidStores(page),
    };
    this.#cache = new CodeCache(
      memory,
      options.interpreter.numbers,
      fetchUnit,
      this.#model.absent,
      options.codeSpace,
    );
    const tableMasks = new Uint32Array(memory.buffer, TABLE_MASK_BASE, 1 << 20);
    this.memory.observeWrites((address, length) => {
      this.#dropCode(() => this.#cache.dropWritten(address, length));
      if (isTouched(tableMasks, address, length)) this.#wasm.changeTables();
    });
    this.reset();
  }

  /** Back to the state after power-on (SDM vol. 3 §9.1). Memory stays. */
  reset(): void {
    resetState(this.state, this.#model);
    // What they ask whether the mapping has changed by begins anew, as does the count of what they ran.
    this.#regions?.reset();
    this.#seenInRegions = 0;
    this.#seenEntries = 0;
    this.state.set64(state.cr4Reserved, ~BigInt(this.#model.cr4));
    this.#breakpointsChanged();
    this.state.set64(state.randomState, BigInt(this.#options.seed ?? 0));
    this.#halted = false;
    this.#shutDown = false;
    this.#budget.retired = 0;
    this.#seenRetired = 0;
    this.#wasm.flushTlb();
    this.#wasm.updateMode();
  }

  /** Begins in the mode that a boot protocol wants. */
  start(registers: FirstRegisters): void {
    if (registers.mode === 'long64') startLong(this.state, registers);
    else startProtected(this.state, registers);
    this.#wasm.flushTlb();
    this.#wasm.updateMode();
  }

  /** Loses its state but for the count of instructions, and goes on in real mode. @param address below 1 MiB */
  restart(address: number): void {
    const { retired } = this;
    this.reset();
    this.#budget.retired = retired;
    this.#seenRetired = retired;
    startReal(this.state, address);
    this.#wasm.updateMode();
  }

  /** Recomputes what follows from the state after it was written from outside, and leaves HLT. */
  synchronise(): void {
    this.#halted = false;
    this.#shutDown = false;
    this.#breakpointsChanged();
    forgetFilled(this.state);
    this.#wasm.flushTlb();
    this.#wasm.updateMode();
    this.#wasm.adoptDirectoryPointers();
  }

  /** Instructions begun and exceptions taken since reset; exact also while a device is being asked. */
  get retired(): number {
    return this.#budget.retired;
  }

  /** RIP of the next instruction while not running. */
  get rip(): bigint {
    return this.state.get64(state.rip);
  }

  /** Ends the run at the next instruction boundary. May be called by a device in the midst of an access. */
  stop(): void {
    this.#stopRequested = true;
    this.#budget.endGrant();
  }

  /** To be called when the interrupt source's output rises. */
  interruptRaised(): void {
    this.state.set32(state.interruptWaiting, 1);
    if (this.state.get32(state.systemFlags) & Flag.if) this.#budget.endGrant();
  }

  /** Asserts NMI: taken at the next instruction boundary, or once the handler of the one before has done its IRET. */
  nonMaskableInterrupt(): void {
    this.state.set32(state.nmiWaiting, 1);
    this.#budget.endGrant();
  }

  /**
   * Lets the present run begin at most `limit` more instructions; one in progress is finished. May be called by a
   * device in the midst of an access.
   * @param limit an integer, at least 0
   */
  limit(limit: number): void {
    this.#budget.limit(limit);
  }

  /** Runs until something happens. @param limit instructions to begin at most, a positive integer */
  run(limit: number): Exit {
    this.#budget.begin(limit);
    this.#stopRequested = false;
    while (this.retired < this.#budget.end) {
      const met = this.#lookForRegions();
      if (met) return met;
      if (this.retired >= this.#budget.end) break;
      const exit = this.#advance(this.#regions?.pace.grain ?? LONGEST_RUN);
      if (exit) return exit;
    }
    return { kind: 'limit' };
  }

  /** Takes what is due at this boundary and begins so many more instructions at most; an exit if that ends the run. */
  #advance(most: number): Exit | undefined {
    if (this.#cache.full) {
      this.#regions?.reset();
      this.#cache.reset();
    }
    const shadowed = this.#events.isNow(state.shadowAt);
    if (!shadowed && this.#events.takeInterrupts()) this.#halted = false;
    if (this.state.get32(state.debugMet)) this.#events.takeDebugTraps(false);
    if (this.#takeReason() === ExitReason.shutdown) this.#shutDown = true;
    if (this.#shutDown) return { kind: 'shutdown' };
    if (this.#halted) return { kind: 'halt' };
    const stepping = (this.state.get32(state.systemFlags) & Flag.tf) !== 0;
    const deliveries = this.state.get32(state.deliveries);
    const held = shadowed ? this.#events.waits : this.wakes;
    const single = stepping || held || this.state.get32(state.debugDue) !== 0;
    const budget = single ? 1 : Math.min(this.#budget.end - this.retired, most);
    this.#budget.grant(budget, () => (this.#watching ? this.#wasm.watch() : this.#wasm.run()));
    const completed = this.state.get32(state.deliveries) === deliveries;
    const trapped = this.#events.takeDebugTraps(stepping && completed);
    const reason = this.#takeReason();
    this.#halted = reason === ExitReason.halt && !trapped;
    this.#shutDown = reason === ExitReason.shutdown;
    if (this.#shutDown) return { kind: 'shutdown' };
    if (this.#stopRequested) return { kind: 'stopped' };
    return this.#halted && !this.wakes ? { kind: 'halt' } : undefined;
  }

  /** Has hot code made into regions from now on. */
  useRegions(make: (host: RegionHost) => RegionTier): void {
    this.#regions = make({
      memory: this.#memory,
      state: this.state,
      cache: this.#cache,
      exports: this.#exports,
      absent: this.#model.absent,
      watch: (instructions) => this.#watch(instructions),
      translate: (linear) => {
        this.state.set64(state.exchange, BigInt(linear));
        return this.#wasm.translateLinear(1) ? this.#exchanged() : undefined;
      },
      isRam: (physical) => this.#kinds.isRam(physical),
    });
  }

  /** What the regions have done, if they are in use. */
  get regionStatistics(): RegionRecord | undefined {
    if (!this.#regions) return undefined;
    const kinds = Object.entries(RegionExit);
    return {
      ...this.#regions.statistics,
      instructions: Number(this.state.get64(state.regionInstructions)),
      exits: Object.fromEntries(
        kinds.map(([name, kind]) => [name, Number(this.state.get64(state.regionExits, kind))]),
      ) as RegionRecord['exits'],
    };
  }

  /** Tells the regions' tier what the interpreter has run; it may have some more instructions run one by one. */
  #lookForRegions(): Exit | undefined {
    if (!this.#regions) return undefined;
    const inRegions = this.state.low(state.regionInstructions);
    let entries = 0;
    for (let kind = 0; kind < state.regionExits.count; kind++)
      entries += this.state.low(state.regionExits, kind);
    const ran = this.retired - this.#seenRetired;
    const interpreted = ran - ((inRegions - this.#seenInRegions) >>> 0);
    this.#regions.note(ran, interpreted, (entries - this.#seenEntries) >>> 0);
    this.#seenRetired = this.retired;
    this.#seenEntries = entries;
    this.#seenInRegions = inRegions;
    const exit = this.#exitMet;
    this.#exitMet = undefined;
    return exit;
  }

  /** Has the next instructions noted, without regions, up to the end of the run or to what ends it before. */
  #watch(instructions: number): void {
    const end = this.retired + instructions;
    this.state.set32(state.watched, 0);
    this.#setWatching(RegionKey.watched);
    while (this.retired < Math.min(end, this.#budget.end) && !this.#exitMet) {
      this.#exitMet = this.#advance(end - this.retired);
    }
    this.#setWatching(0);
  }

  #setWatching(bit: number): void {
    const { state: view } = this;
    this.#watching = bit !== 0;
    view.set32(state.watching, bit);
    view.set32(state.regionKey, (view.get32(state.regionKey) & ~RegionKey.watched) | bit);
  }

  /** Why WebAssembly asked for the end of the run, once. */
  #takeReason(): number {
    const reason = this.state.get32(state.exitReason);
    this.state.set32(state.exitReason, ExitReason.none);
    return reason;
  }

  /** Whether an interrupt or NMI is there that the processor would take now. */
  get wakes(): boolean {
    return this.#events.wakes;
  }

  /** The event whose delivery came to the shutdown, if the processor has shut down. */
  get shutdownCause(): { readonly vector: number; readonly errorCode: number | undefined } | undefined {
    if (!this.#shutDown) return undefined;
    const event = this.state.get32(state.lastEvent);
    const hasCode = (event & state.PENDING_HAS_CODE) !== 0;
    return { vector: event & 0xff, errorCode: hasCode ? this.state.get32(state.lastEventCode) : undefined };
  }

  /** What the guest reads by RDTSC. */
  get timeStamp(): bigint {
    return timeStamp(this.state, () => this.#cycles());
  }

  #cycles(): bigint {
    return this.#options.cycles?.() ?? BigInt(this.retired);
  }

  /** CR8 has changed because the local APIC's task priority has. */
  setTaskPriorityClass(priorityClass: number): void {
    this.state.set64(state.cr8, BigInt(priorityClass));
  }

  /**
   * From now on a device answers where this physical page is, or again what was there before. Pages without RAM are
   * devices' anyway.
   */
  setDevicePage(physical: number, isDevice: boolean): void {
    const page = this.#kinds.setDevice(physical, isDevice);
    if (page === undefined) return;
    this.#cache.drop(page);
    this.#wasm.changeTables();
  }

  /** Whether an interrupt would be taken now. */
  get interruptible(): boolean {
    return this.#events.interruptible;
  }

  /** Physical address behind a linear one, or undefined; for those who look from outside. */
  translate(linear: bigint): number | undefined {
    this.state.set64(state.exchange, linear);
    return this.#wasm.translateLinear(0) ? this.#exchanged() : undefined;
  }

  /** Derives what follows from the debug registers; a run in progress ends if decoded code must go. */
  #breakpointsChanged(): void {
    const { data, ports, instructionOffsets } = enabledBreakpoints(this.state);
    this.state.set32(state.watchesPorts, ports ? 1 : 0);
    const before = this.state.get32(state.watchesData);
    this.state.set32(state.watchesData, data ? 1 : 0);
    if (data || before) this.#wasm.flushTlb();
    if (this.#cache.expectBreakpoints(instructionOffsets)) this.#budget.endGrant();
  }

  #exchanged(): number {
    return Number(this.state.get64(state.exchange));
  }

  #externals(memory: WebAssembly.Memory): WebAssembly.ModuleImports {
    const { localApic, hypercall } = this.#options;
    const cycles = (): bigint => this.#cycles();
    return {
      ...busFunctions(this.#options.bus, new DataView(memory.buffer)),
      decodeAt: () => this.#decodeAt(),
      samePage: (record: number, other: number) => (this.#cache.samePage(record, other) ? 1 : 0),
      codeWritten: (page: number) => this.#dropCode(() => this.#cache.drop(page >>> 0)),
      unimplemented: () => this.#missing.met(this.#wasm.translateFetch(0) ? this.#exchanged() : 0),
      cpuid: () => cpuid(this.state, this.#model, localApic?.enabled ?? false),
      readTimeStamp: () => this.state.set64(state.exchange, timeStamp(this.state, cycles)),
      readMsr: () => (readAnyMsr(this.state, cycles, localApic) ? 1 : 0),
      writeMsr: () => (writeAnyMsr(this.state, cycles, localApic) ? 1 : 0),
      taskPriorityWritten: (priorityClass: number) => localApic?.setTaskPriorityClass(priorityClass),
      hypercall: () => {
        if (hypercall) callHypervisor(this.state, hypercall);
        return hypercall ? 1 : 0;
      },
      breakpointsChanged: () => this.#breakpointsChanged(),
    };
  }

  /** Ends the run when the cache is full, for it can be emptied between two runs only. */
  #decodeAt(): number {
    const record = this.#cache.recordAt();
    if (this.#cache.full) this.#budget.endGrant();
    return record;
  }

  /** Ends the run if a region is gone by what is done: it may be the one that runs. */
  #dropCode(drop: () => void): void {
    const before = this.#regions?.statistics.dropped;
    drop();
    if (this.#regions?.statistics.dropped !== before) this.#budget.endGrant();
  }
}
