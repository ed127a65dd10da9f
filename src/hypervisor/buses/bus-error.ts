/** What a bus refuses when devices are attached: a fault of the machine's composition, never of the guest. */
export class BusError extends Error {
  constructor(
    readonly code: 'BUS_OVERLAP' | 'BUS_RANGE',
    message: string,
  ) {
    super(message);
    this.name = 'BusError';
  }

  /** `added` would answer where `existing` already does; `first` and `last` are `added`'s addresses. */
  static overlap(bus: string, existing: string, added: string, first: number, last: number): BusError {
    const range = `0x${first.toString(16)}–0x${last.toString(16)}`;
    return new BusError('BUS_OVERLAP', `${bus} ${range} of ${added} overlaps ${existing}`);
  }

  static range(bus: string, device: string, base: number, length: number): BusError {
    return new BusError(
      'BUS_RANGE',
      `${bus} region of ${device} is out of range: base ${base}, length ${length}`,
    );
  }
}

/** One access as an observer sees it. `device` is undefined where nothing answers. */
export interface BusAccess {
  readonly kind: 'read' | 'write';
  readonly address: number;
  readonly width: 1 | 2 | 4;
  /** Unsigned. */
  readonly value: number;
  readonly device: string | undefined;
}

/** Called after each access to a device, once for every part of a split one. */
export type BusObserver = (access: BusAccess) => void;
