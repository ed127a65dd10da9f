/** When code is taken to be hot, and what making regions of it may cost. Numbers alone: chooser.ts and region-tier.ts go by them. */

/** When code is taken to be hot. */
export interface Pace {
  /** Instructions after which the CPU comes by, at most. */
  readonly grain: number;
  /** Instructions that the interpreter runs between two looks, at first and at most. */
  readonly soon: number;
  readonly late: number;
  /** Instructions that are watched at a time. */
  readonly watched: number;
  /** How often a place must be come by while it is watched. */
  readonly hot: number;
  /** What it costs to go into a region and out again, in interpreted instructions. */
  readonly entry: number;
  /** What an instruction in a region must have saved had it been there all the time, in interpreted instructions. */
  readonly price: number;
  /** What looking and making may cost at first and at most, in interpreted instructions. */
  readonly credit: number;
  /** What they may cost besides for each interpreted instruction: so wide code is not made into regions at any price. */
  readonly share: number;
}

export const USUAL: Pace = {
  grain: 1 << 20,
  soon: 300_000,
  late: 10_000_000,
  watched: 6000,
  hot: 6,
  entry: 10,
  price: 6000,
  credit: 60_000_000,
  share: 0.2,
};
/** Whatever runs twice is hot. */
export const EAGER: Pace = {
  grain: 500,
  soon: 200,
  late: 200,
  watched: 200,
  hot: 2,
  entry: 0,
  price: 0,
  credit: Number.POSITIVE_INFINITY,
  share: 0,
};
