/** What a description demands costs work by its length, not by its square: counted in steps. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createStepCounter } from '../../test/support/step-counter.ts';

const counter = createStepCounter('/src/mw/precondition-demand.ts');
after(() => counter.close());
// After the counter: see there.
const { unmet } = await import('./precondition-demand.ts');

/** A section that is ready in so many ways, and demands as many others. */
function demanding(ways: number): string {
  const lines = Array.from(
    { length: ways },
    (_, n) => `a=curr:qos local is${n}\r\na=des:qos mandatory local wants${n}\r\n`,
  );
  return `m=audio 4000 RTP/AVP 8\r\n${lines.join('')}`;
}

test('twice the demands are twice the work', () => {
  const [once, twice] = [200, 400].map(ways => {
    const section = demanding(ways);
    return counter.count(() => assert.equal(unmet(section).length, ways));
  });
  assert.ok(
    once !== undefined && twice !== undefined && once > 200 && twice > 1.5 * once && twice < 3 * once,
    `${once} ${twice}`,
  );
});
