/**
 * Shapes of saved states: a device describes its state once and gets the type, the copy and the check from it.
 *
 * A restored state is input that may come from anywhere, so every field is checked and unknown fields are refused.
 * Leaves out relations between fields; the device checks those that matter itself.
 */
import { type DeviceState, DeviceStateError } from './device.js';

/** Checks one value; `path` names it in errors. Returns a fresh copy. Throws DeviceStateError. */
export type Shape<T> = (value: unknown, path: string, device: string) => T;

/** The type that a shape accepts. */
export type Shaped<S> = S extends Shape<infer T> ? T : never;

/** An integer between two bounds, inclusive. */
export function integer(minimum: number, maximum: number): Shape<number> {
  return (value, path, device) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= minimum && value <= maximum) {
      return value === 0 ? 0 : value; // minus zero becomes zero
    }
    throw new DeviceStateError(device, path, `an integer from ${minimum} to ${maximum}`);
  };
}

/** One of a few numbers. */
export function oneOf(...choices: readonly number[]): Shape<number> {
  return (value, path, device) => {
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw new DeviceStateError(device, path, `one of ${choices.join(', ')}`);
    return found;
  };
}

/** A register of 8 bits. */
export const byte = integer(0, 0xff);

/** A length of time in nanoseconds. */
export const nanoseconds = integer(0, Number.MAX_SAFE_INTEGER);

export const boolean: Shape<boolean> = (value, path, device) => {
  if (typeof value === 'boolean') return value;
  throw new DeviceStateError(device, path, 'true or false');
};

export function nullable<T>(inner: Shape<T>): Shape<T | null> {
  return (value, path, device) => (value === null ? null : inner(value, path, device));
}

/** A list of `minimum` to `maximum` items. */
export function list<T>(item: Shape<T>, minimum: number, maximum: number): Shape<T[]> {
  return (value, path, device) => {
    if (!Array.isArray(value) || value.length < minimum || value.length > maximum) {
      throw new DeviceStateError(device, path, `a list of ${minimum} to ${maximum} items`);
    }
    return Array.from(value, (entry, index) => item(entry, `${path}[${index}]`, device));
  };
}

/** An object with exactly these fields. */
export function record<F extends Record<string, Shape<unknown>>>(
  fields: F,
): Shape<{ [K in keyof F]: Shaped<F[K]> }> {
  return (value, path, device) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new DeviceStateError(device, path, 'an object');
    }
    const surplus = Object.keys(value).find((key) => !Object.hasOwn(fields, key));
    if (surplus !== undefined) throw new DeviceStateError(device, `${path}.${surplus}`, 'a known field');
    const source = value as Record<string, unknown>;
    const read = (key: string) => (Object.hasOwn(source, key) ? source[key] : undefined);
    const entries = Object.entries(fields).map(([key, shape]) => [
      key,
      shape(read(key), `${path}.${key}`, device),
    ]);
    return Object.fromEntries(entries) as { [K in keyof F]: Shaped<F[K]> };
  };
}

/** Checks a whole saved state. Throws DeviceStateError. */
export function parseState<T>(shape: Shape<T>, state: DeviceState, device: string): T {
  return shape(state, 'state', device);
}
