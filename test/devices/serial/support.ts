/** A COM port in a machine of its own, for the tests of the UART. */
import { Uart16550 } from '../../../src/devices/serial/uart-16550.js';
import { Ports, TestClock, TestConsole, TestLine } from '../support.js';

export const RBR = 0x3f8;
export const THR = 0x3f8;
export const IER = 0x3f9;
export const IIR = 0x3fa;
export const FCR = 0x3fa;
export const LCR = 0x3fb;
export const MCR = 0x3fc;
export const LSR = 0x3fd;
export const MSR = 0x3fe;
export const SCR = 0x3ff;
export const OUT2 = 0x08;

export function uart(time = 0) {
  const clock = new TestClock();
  clock.time = time;
  const line = new TestLine();
  const console = new TestConsole();
  const device = new Uart16550({ name: 'com1', base: 0x3f8, clock, console, line });
  return { clock, line, console, device, ports: new Ports(device) };
}

/** Sets divisor and format as a driver does. */
export function program(ports: Ports, divisor: number, lineControl: number): void {
  ports.write(LCR, 0x80);
  ports.write(RBR, divisor & 0xff);
  ports.write(IER, divisor >> 8);
  ports.write(LCR, lineControl);
}

/** Reads while data is ready, as an interrupt handler does. */
export function drain(ports: Ports): number[] {
  const received: number[] = [];
  while (ports.read(LSR) & 0x01) received.push(ports.read(RBR));
  return received;
}
