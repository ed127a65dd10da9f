/** The region tier with all meanings is much code, which a short run does not need: it is loaded when asked for. */
import type { RegionHost, RegionTier } from './region-tier.js';

export type MakeRegions = (host: RegionHost) => RegionTier;

/** @param soon whether regions are made after a few instructions already: to see that they run at all */
export async function loadRegions(soon: boolean): Promise<MakeRegions> {
  const [{ RegionTier }, { EAGER, USUAL }] = await Promise.all([
    import('./region-tier.js'),
    import('./pace.js'),
  ]);
  return (host) => new RegionTier(host, soon ? EAGER : USUAL);
}
