/** When code is taken to be hot, and what making regions of it may cost. Numbers alone: chooser.ts and region-tier.ts go by them. */

/** When code is taken to be hot. */
export interface Pace {
  /** Instructions after which the CPU comes by, at most. */
  readonly grain: number;
  /** Instructions that the interpreter runs between two looks, at first and at most. */
  readonly soon: number;
  readonly late: number;
  /** Instructions that are watched at a look, and how many at most where no way comes again so soon. */
  readonly watched: number;
  readonly longest: number;
  /** How often a place must be come by while it is watched. */
  readonly hot: number;
  /** What it costs to go into a region and out again, in interpreted instructions. */
  readonly entry: number;
  /** What part of the cost of a way a region must save. */
  readonly gain: number;
  /** What looking and making may cost at first and at most, in interpreted instructions. */
  readonly credit: number;
  /** What they may cost besides for each interpreted instruction: so wide code is not made into regions at any price. */
  readonly share: number;
}

export const USUAL: Pace = {
  grain: 1 << 20,
  soon: 20_000,
  late: 10_000_000,
  watched: 3000,
  longest: 24_000,
  hot: 6,
  entry: 10,
  gain: 0.05,
  credit: 60_000_000,
  share: 0.2,
};
/** Whatever runs twice is hot. */
export const EAGER: Pace = {
  grain: 500,
  soon: 200,
  late: 200,
  watched: 200,
  longest: 200,
  hot: 2,
  entry: 0,
  gain: 0,
  credit: Number.POSITIVE_INFINITY,
  share: 0,
};
