/** Random tests, the same at every run: what `npm test` says must not hang on chance. `LINESIDE_TEST_SEED=N` plays others. */
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env['LINESIDE_TEST_SEED'] ?? 24371) });

export { fc };
