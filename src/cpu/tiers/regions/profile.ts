/** What was seen to run: how often each instruction led to which. RIPs are signed numbers. */
export class Profile {
  readonly #followers = new Map<number, Map<number, number>>();
  readonly #arrivals = new Map<number, number>();

  note(from: number, to: number): void {
    let followers = this.#followers.get(from);
    if (!followers) {
      followers = new Map();
      this.#followers.set(from, followers);
    }
    followers.set(to, (followers.get(to) ?? 0) + 1);
    this.#arrivals.set(to, this.arrivals(to) + 1);
  }

  /** Where an instruction led to, the most frequent first. */
  followers(rip: number): [rip: number, count: number][] {
    return [...(this.#followers.get(rip) ?? [])].sort((a, b) => b[1] - a[1]);
  }

  count(from: number, to: number): number {
    return this.#followers.get(from)?.get(to) ?? 0;
  }

  /** How often an instruction was come to, from wherever. */
  arrivals(rip: number): number {
    return this.#arrivals.get(rip) ?? 0;
  }

  get size(): number {
    return this.#followers.size;
  }

  clear(): void {
    this.#followers.clear();
    this.#arrivals.clear();
  }
}
