/** The region tier with all meanings is much code, which a short run does not need: it is loaded when asked for. */
import type { RegionHost, RegionTier } from './region-tier.js';

export type MakeRegions = (host: RegionHost) => RegionTier;

/** @param soon whether regions are made after a few instructions already: to see that they run at all */
export async function loadRegions(soon: boolean): Promise<MakeRegions> {
  const { EAGER, RegionTier, USUAL } = await import('./region-tier.js');
  return (host) => new RegionTier(host, soon ? EAGER : USUAL);
}
