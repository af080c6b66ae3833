/** What a call's figures say of its sound: totals for the record, figures for the metrics, and the E-model of ITU-T G.107, simplified for G.711 without echo. */
import type { LegStats, MediaStats } from '../ep-cscf/input.ts';
import type { EngineLegStats, EngineTotals } from './engine.ts';
import type { Count } from './settings.ts';

/** R of a call without delay and loss, defaults of G.107. */
const R_BEST = 93.2;
/** Packet-loss robustness of G.711 with loss concealment, as browsers have it. ITU-T G.113 Appendix I. */
const BPL = 25.1;
/** Speech in one packet and the time to put it together. */
const PACKETISATION_MS = 20;

/**
 * Mean opinion score, 1 to 4.4, of a one-way path with this share of packets lost (0 to 1), this jitter and this round trip.
 * Delay is half the round trip, a packet, and a jitter buffer of twice the jitter; its impairment is that of Cole and
 * Rosenbluth's fit to G.107. Rounded to two digits. G.107 Annex B.
 */
export function estimatedMos(lossRatio: number, jitterMs: number, roundTripMs: number): number {
  const delayMs = roundTripMs / 2 + PACKETISATION_MS + 2 * jitterMs;
  const delayImpairment = 0.024 * delayMs + (delayMs > 177.3 ? 0.11 * (delayMs - 177.3) : 0);
  const lossPercent = 100 * lossRatio;
  const lossImpairment = (95 * lossPercent) / (lossPercent + BPL);
  const r = Math.max(0, R_BEST - delayImpairment - lossImpairment);
  // The polynomial dips below its scale near R = 3.
  const mos = Math.max(1, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6);
  return Math.round(mos * 100) / 100;
}

/** Totals of a call as its record keeps them. */
export function statsOf(codec: string | null, totals: EngineTotals): MediaStats {
  const { path, oneWay } = totals;
  return { codec, path, oneWay, fromWeb: legStats(totals.fromWeb), fromIms: legStats(totals.fromIms) };
}

/** Counts one side of a call that has ended. */
export function measure(count: Count, side: 'web' | 'ims', leg: EngineLegStats): void {
  count('media_packets_total', { from: side }, leg.packets);
  const { mos } = legStats(leg);
  if (mos === null) return;
  count('media_mos', { side }, mos);
  count('media_loss_ratio', { side }, lossRatio(leg));
  if (leg.jitterMs !== null) count('media_jitter_seconds', { side }, leg.jitterMs / 1000);
  if (leg.roundTripMs !== null) count('media_round_trip_seconds', { side }, leg.roundTripMs / 1000);
}

function legStats(leg: EngineLegStats): LegStats {
  // Where nobody counted the losses there is nothing to estimate from.
  const known = leg.packets > 0 && leg.lost !== null;
  return { ...leg, mos: known ? estimatedMos(lossRatio(leg), leg.jitterMs ?? 0, leg.roundTripMs ?? 0) : null };
}

function lossRatio({ packets, lost }: EngineLegStats): number {
  return (lost ?? 0) / Math.max(1, packets + (lost ?? 0));
}
