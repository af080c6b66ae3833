/** Figures end up in the text; a wrong one is counted as a fault and harms nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from './metrics.ts';

test('counters, histograms and gauges are in the text with the prefix', async () => {
  const metrics = createMetrics();
  metrics.count('sip_requests_total', { method: 'INVITE', direction: 'in' });
  metrics.count('call_setup_duration_seconds', { direction: 'out' }, 0.3);
  metrics.gauge('calls', 'Calls.', () => 7);
  const text = await metrics.text();
  assert.match(text, /lineside_sip_requests_total\{method="INVITE",direction="in"\} 1/);
  assert.match(text, /lineside_call_setup_duration_seconds_count\{direction="out"\} 1/);
  assert.match(text, /lineside_calls 7/);
});

test('an unknown name and an unknown label are counted, not thrown', async () => {
  const metrics = createMetrics();
  metrics.count('nobody_knows_total');
  metrics.count('sip_requests_total', { wrong: 'x' });
  const text = await metrics.text();
  assert.match(text, /lineside_metrics_rejected_total\{name="nobody_knows_total"\} 1/);
  assert.match(text, /lineside_metrics_rejected_total\{name="sip_requests_total"\} 1/);
});
