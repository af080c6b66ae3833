/** How much the random tests and explorers play: `LINESIDE_TEST_SCALE`, 1 unless said. */
export const SCALE = Number(process.env['LINESIDE_TEST_SCALE'] ?? 1);
