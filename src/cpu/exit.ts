/** Why the CPU stopped running, as values (KVM's exits are the model). */
export type Exit =
  /** The instructions asked for have begun. */
  | { readonly kind: 'limit' }
  /** HLT: nothing to do until an interrupt. */
  | { readonly kind: 'halt' }
  /** A fault while delivering a double fault: a PC would reset (SDM vol. 3 §6.15, #DF). */
  | { readonly kind: 'shutdown' }
  /** `Cpu.stop` was called, by a device for one. */
  | { readonly kind: 'stopped' };
