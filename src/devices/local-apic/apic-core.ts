/**
 * What a local APIC does in either mode: its registers, and what becomes of interrupts that are sent, received, taken and
 * ended. How software reaches the registers, and where they are, is local-apic.ts.
 * Source: SDM vol. 3, 11.4 to 11.8.
 */
import type { Clock } from '../backends.js';
import { DeliveryMode, type InterruptMessage } from '../interrupt/interrupt-message.js';
import { boolean, byte, integer, record, type Shaped } from '../state-schema.js';
import { ApicTimer, apicTimerShape, type TimeStamp } from './apic-timer.js';
import { isAddressed, widenDestination, x2apicLogicalId } from './destination.js';
import { ErrorBit, ErrorStatus, errorStatusShape } from './error-status.js';
import { InterruptState, interruptStateShape } from './interrupt-state.js';
import { LocalVectorTable, vectorTableShape } from './local-vector-table.js';
import { COMMAND_WRITABLE, DIVIDE_WRITABLE, LVT_COUNT, Register, Spurious } from './registers.js';

/** Integrated APIC, the index of the last LVT entry, and that EOI broadcasts can be suppressed. */
const VERSION = 0x14 | ((LVT_COUNT - 1) << 16) | (1 << 24);
/** Destination shorthands of the interrupt command register. */
const TO_SELF = 1;
const TO_ALL = 2;
const TO_OTHERS = 3;
const FIRST_LEGAL_VECTOR = 16;

/** The 8259s' output, on LINT0. */
export interface ExternalInterrupts {
  pending(): boolean;
  acknowledge(): number;
}

export interface ApicCoreOptions {
  readonly clock: Clock;
  readonly timeStamp: TimeStamp;
  readonly external: ExternalInterrupts;
  /** The interrupt output to the processor has risen. */
  readonly onInterrupt: () => void;
  readonly onNmi: () => void;
  /** An INIT for this processor. */
  readonly onInit: () => void;
  /** CR8, which is the task priority's class, has changed here. */
  readonly onTaskPriority: (priorityClass: number) => void;
  /** A level-triggered interrupt has ended: told to the I/O APICs. */
  readonly onEndOfInterrupt: (vector: number) => void;
}

const word = integer(0, 0xffffffff);

export const apicCoreShape = record({
  id: byte,
  logicalDestination: word,
  destinationFormat: word,
  spuriousVector: integer(0, Spurious.writable),
  command: word,
  commandHigh: word,
  lint0: boolean,
  vectorTable: vectorTableShape,
  errors: errorStatusShape,
  interrupts: interruptStateShape,
  timer: apicTimerShape,
});

export class ApicCore {
  /** Chosen by IA32_APIC_BASE. */
  mode: 'disabled' | 'xapic' | 'x2apic' = 'xapic';
  readonly timer: ApicTimer;
  readonly #options: ApicCoreOptions;
  readonly #interrupts = new InterruptState();
  readonly #vectorTable = new LocalVectorTable();
  readonly #errors = new ErrorStatus();
  /** The ids of xAPIC mode; in x2APIC mode the physical one is 0, and the logical one follows. */
  #id = 0;
  #logicalDestination = 0;
  #destinationFormat = 0xffffffff;
  #spuriousVector = 0xff;
  #command = 0;
  #commandHigh = 0;
  /** The level of LINT0. */
  #lint0 = false;
  #output = false;

  constructor(options: ApicCoreOptions) {
    this.#options = options;
    this.timer = new ApicTimer(options.clock, options.timeStamp, () => this.#raiseTimer());
  }

  /** The registers as after power-on or INIT (SDM vol. 3, 11.4.7.1). */
  initialise(): void {
    this.#id = 0;
    this.#logicalDestination = 0;
    this.#destinationFormat = 0xffffffff;
    this.#spuriousVector = 0xff;
    this.#command = 0;
    this.#commandHigh = 0;
    this.#vectorTable.reset();
    this.#errors.reset();
    this.#interrupts.reset();
    this.timer.reset();
    this.#tellTaskPriority();
  }

  /** As a PC's firmware hands over: enabled, the 8259s on LINT0 and NMIs on LINT1. */
  leaveAsFirmware(): void {
    this.#spuriousVector |= Spurious.enabled;
    this.#vectorTable.write(Register.lint0, DeliveryMode.external << 8, true);
    this.#vectorTable.write(Register.lint1, DeliveryMode.nmi << 8, true);
  }

  get pending(): boolean {
    return this.#output;
  }

  /** The processor takes an interrupt: its vector, the spurious one if none is there any more. */
  acknowledge(): number {
    const { deliverable } = this.#interrupts;
    let vector = this.#spuriousVector & 0xff;
    if (this.#passesExternal) vector = this.#options.external.acknowledge();
    else if (deliverable >= 0) {
      vector = deliverable;
      this.#interrupts.begin(vector);
    }
    this.update();
    return vector;
  }

  /** Looks again at LINT0 and at what the processor is to be told. */
  update(): void {
    const lint0 = this.#options.external.pending();
    if (lint0 !== this.#lint0) {
      this.#lint0 = lint0;
      if (lint0) this.#raiseLint0();
    }
    const output = this.#passesExternal || (this.mode !== 'disabled' && this.#interrupts.deliverable >= 0);
    const rises = output && !this.#output;
    this.#output = output;
    if (rises) this.#options.onInterrupt();
  }

  setTaskPriorityClass(priorityClass: number): void {
    this.#interrupts.taskPriority = priorityClass << 4;
    this.update();
  }

  send(message: InterruptMessage): boolean {
    if (!this.#isAddressed(message.logical, widenDestination(message.destination))) return false;
    this.#receive(message.deliveryMode, message.vector, message.levelTriggered);
    this.update();
    return true;
  }

  reportIllegalRegister(): void {
    this.#report(ErrorBit.illegalRegister);
    this.update();
  }

  read(register: number): number {
    if (this.#vectorTable.has(register)) return this.#vectorTable.read(register);
    const x2apic = this.mode === 'x2apic';
    switch (register) {
      case Register.id:
        return x2apic ? 0 : (this.#id << 24) >>> 0;
      case Register.version:
        return VERSION;
      case Register.taskPriority:
        return this.#interrupts.taskPriority;
      case Register.processorPriority:
        return this.#interrupts.processorPriority;
      case Register.logicalDestination:
        return x2apic ? x2apicLogicalId(0) : this.#logicalDestination;
      case Register.destinationFormat:
        return this.#destinationFormat;
      case Register.spuriousVector:
        return this.#spuriousVector;
      case Register.errorStatus:
        return this.#errors.visible;
      case Register.command:
        return this.#command;
      case Register.commandHigh:
        return this.#commandHigh;
      case Register.initialCount:
        return this.timer.initial;
      case Register.currentCount:
        return this.timer.current;
      case Register.divide:
        return this.timer.divide;
      default:
        return this.#interrupts.word(register - Register.inService);
    }
  }

  /** What is read-only is left alone. */
  write(register: number, value: number): void {
    switch (register) {
      case Register.id:
        this.#id = value >>> 24;
        break;
      case Register.logicalDestination:
        this.#logicalDestination = (value & 0xff000000) >>> 0;
        break;
      case Register.destinationFormat:
        this.#destinationFormat = (value | 0x0fffffff) >>> 0;
        break;
      case Register.taskPriority:
        this.#interrupts.taskPriority = value & 0xff;
        this.#tellTaskPriority();
        break;
      case Register.endOfInterrupt:
        this.#endInterrupt();
        break;
      case Register.spuriousVector:
        this.#spuriousVector = value & Spurious.writable;
        if (!this.#softwareEnabled) this.#vectorTable.maskAll();
        break;
      case Register.errorStatus:
        this.#errors.latch();
        break;
      case Register.commandHigh:
        this.#commandHigh = value;
        break;
      case Register.command:
        this.#command = value & COMMAND_WRITABLE;
        this.#sendCommand();
        break;
      case Register.selfIpi:
        this.#command = (TO_SELF << 18) | (value & 0xff);
        this.#sendCommand();
        break;
      case Register.initialCount:
        this.timer.initial = value;
        break;
      case Register.divide:
        this.timer.divide = value & DIVIDE_WRITABLE;
        break;
      default:
        if (!this.#vectorTable.has(register)) break;
        this.#vectorTable.write(register, value, this.#softwareEnabled);
        this.timer.mode = this.#vectorTable.timerMode;
    }
    this.update();
  }

  save(): Shaped<typeof apicCoreShape> {
    return {
      id: this.#id,
      logicalDestination: this.#logicalDestination,
      destinationFormat: this.#destinationFormat,
      spuriousVector: this.#spuriousVector,
      command: this.#command,
      commandHigh: this.#commandHigh,
      lint0: this.#lint0,
      vectorTable: this.#vectorTable.save(),
      errors: this.#errors.save(),
      interrupts: this.#interrupts.save(),
      timer: this.timer.save(),
    };
  }

  restore(saved: Shaped<typeof apicCoreShape>): void {
    this.#id = saved.id;
    this.#logicalDestination = (saved.logicalDestination & 0xff000000) >>> 0;
    this.#destinationFormat = (saved.destinationFormat | 0x0fffffff) >>> 0;
    this.#spuriousVector = saved.spuriousVector & Spurious.writable;
    this.#command = saved.command & COMMAND_WRITABLE;
    this.#commandHigh = saved.commandHigh;
    this.#lint0 = saved.lint0;
    this.#vectorTable.restore(saved.vectorTable);
    this.#errors.restore(saved.errors);
    this.#interrupts.restore(saved.interrupts);
    this.timer.restore({ ...saved.timer, mode: this.#vectorTable.timerMode });
    this.#tellTaskPriority();
  }

  get #softwareEnabled(): boolean {
    return (this.#spuriousVector & Spurious.enabled) !== 0;
  }

  /** Whether the 8259s' request goes to the processor as it is: it does without an APIC, too. */
  get #passesExternal(): boolean {
    if (!this.#lint0) return false;
    if (this.mode === 'disabled') return true;
    const table = this.#vectorTable;
    return !table.isMasked(Register.lint0) && table.deliveryMode(Register.lint0) === DeliveryMode.external;
  }

  get raisesNmi(): boolean {
    const table = this.#vectorTable;
    return (
      this.mode !== 'disabled' &&
      !table.isMasked(Register.lint0) &&
      table.deliveryMode(Register.lint0) === DeliveryMode.nmi
    );
  }

  #isAddressed(logical: boolean, destination: number): boolean {
    if (this.mode === 'disabled') return false;
    const x2apic = this.mode === 'x2apic';
    const self = {
      x2apic,
      id: x2apic ? 0 : this.#id,
      logicalDestination: this.read(Register.logicalDestination),
      destinationFormat: this.#destinationFormat,
    };
    return isAddressed(self, logical, destination);
  }

  /** Carries out the interrupt command register. Delivery is immediate, so its status always reads as idle. */
  #sendCommand(): void {
    const command = this.#command;
    const shorthand = (command >> 18) & 3;
    const deliveryMode = (command >> 8) & 7;
    const vector = command & 0xff;
    const hasVector = deliveryMode === DeliveryMode.fixed || deliveryMode === DeliveryMode.lowestPriority;
    if (hasVector && vector < FIRST_LEGAL_VECTOR) {
      this.#report(ErrorBit.sendIllegalVector);
      return;
    }
    if (shorthand === TO_OTHERS) return;
    const destination =
      this.mode === 'x2apic' ? this.#commandHigh : widenDestination(this.#commandHigh >>> 24);
    const reachesSelf =
      shorthand === TO_SELF ||
      shorthand === TO_ALL ||
      this.#isAddressed((command & (1 << 11)) !== 0, destination);
    // The trigger mode counts for INIT alone; its level de-assertion does nothing on any processor since the P6.
    const isDeassert = (command & 0xc000) === 0x8000;
    if (reachesSelf && !(deliveryMode === DeliveryMode.init && isDeassert)) {
      this.#receive(deliveryMode, vector, false);
    }
  }

  /** SMIs, and start-up for a processor that runs, are ignored. */
  #receive(deliveryMode: number, vector: number, levelTriggered: boolean): void {
    if (deliveryMode === DeliveryMode.nmi) this.#options.onNmi();
    else if (deliveryMode === DeliveryMode.init) this.#options.onInit();
    else if (deliveryMode === DeliveryMode.fixed || deliveryMode === DeliveryMode.lowestPriority)
      this.#accept(vector, levelTriggered);
  }

  #accept(vector: number, levelTriggered: boolean): void {
    if (!this.#softwareEnabled) return;
    if (vector < FIRST_LEGAL_VECTOR) this.#report(ErrorBit.receivedIllegalVector);
    else this.#interrupts.accept(vector, levelTriggered);
  }

  #raiseTimer(): void {
    if (!this.#vectorTable.isMasked(Register.timer)) {
      this.#accept(this.#vectorTable.vector(Register.timer), false);
    }
    this.update();
  }

  /** LINT0 has risen, or may again. */
  #raiseLint0(): void {
    const table = this.#vectorTable;
    if (this.mode === 'disabled' || table.isMasked(Register.lint0)) return;
    const deliveryMode = table.deliveryMode(Register.lint0);
    const level = deliveryMode === DeliveryMode.fixed && table.isLevelTriggered(Register.lint0);
    if (deliveryMode === DeliveryMode.external || (level && table.isAwaitingEnd(Register.lint0))) return;
    this.#receive(deliveryMode, table.vector(Register.lint0), level);
    if (level) table.setAwaitingEnd(Register.lint0, true);
  }

  #report(error: number): void {
    const table = this.#vectorTable;
    if (this.#errors.add(error) && !table.isMasked(Register.error)) {
      this.#accept(table.vector(Register.error), false);
    }
  }

  #endInterrupt(): void {
    const vector = this.#interrupts.end();
    if (vector < 0 || !this.#interrupts.levelTriggered.has(vector)) return;
    const table = this.#vectorTable;
    if (table.isAwaitingEnd(Register.lint0) && table.vector(Register.lint0) === vector) {
      table.setAwaitingEnd(Register.lint0, false);
      if (this.#lint0) this.#raiseLint0();
    }
    if (!(this.#spuriousVector & Spurious.suppressEoiBroadcast)) this.#options.onEndOfInterrupt(vector);
  }

  #tellTaskPriority(): void {
    this.#options.onTaskPriority(this.#interrupts.taskPriority >> 4);
  }
}
