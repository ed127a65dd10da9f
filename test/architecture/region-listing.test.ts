/** The region that docs/how-the-cpu-works.md shows is the one that the region tier makes. */
import { expect, test } from 'vitest';
import { listingInDocument, regionListing } from '../../scripts/region-listing.js';

test('the listing is up to date: npx tsx scripts/region-listing.ts writes it', () => {
  expect(listingInDocument()).toBe(regionListing());
});
