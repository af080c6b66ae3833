/** What a call's figures say of its sound: totals for the record, figures for the metrics, and the E-model of ITU-T G.107 and G.107.1 without echo. */
import type { LegStats, MediaStats } from '../ep-cscf/input.ts';
import type { EngineLegStats, EngineTotals } from './engine.ts';
import type { Count } from './settings.ts';

/** R of a call without delay and loss, and what one of telephone bandwidth would have on the same scale. G.107, G.107.1 7.7. */
const NARROW = { best: 93.2, scale: 1 };
const WIDE = { best: 129, scale: 1.29 };
/** Speech in one packet and the time to put it together. */
const PACKETISATION_MS = 20;

/** What a codec takes from R by itself, and how well it bears random loss, with concealment at the receiver. */
interface Impairment {
  band: typeof NARROW;
  ie: number;
  bpl: number;
}

const G711: Impairment = { band: NARROW, ie: 0, bpl: 25.1 };
/**
 * Planning values of ITU-T G.113, Appendix I and, for wideband, IV, both provisional there and not read at their source but in
 * programs that quote them (09/2024). AMR-WB is that of 12.65 kbit/s at one ear; its robustness is only told for two ears.
 * Not in G.113, and assumptions of ours: AMR, taken for GSM EFR, which its mode of 12.2 is; the robustness of G.722; and
 * Opus, as browsers send it (wideband and more at 32 kbit/s, with error correction in band) nearly transparent and as robust as AMR.
 */
const CODECS: Readonly<Record<string, Impairment>> = {
  pcma: G711,
  pcmu: G711,
  amr: { band: NARROW, ie: 5, bpl: 10 },
  g722: { band: WIDE, ie: 13, bpl: 4.3 },
  'amr-wb': { band: WIDE, ie: 13, bpl: 4.3 },
  opus: { band: WIDE, ie: 1, bpl: 10 },
};

/** Codec of what each side sends, by its name in rtpmap; null: not known, counts as G.711. */
export interface SideCodecs {
  web: string | null;
  ims: string | null;
}

/**
 * Mean opinion score, 1 to 4.5, of a one-way path with this share of packets lost (0 to 1), this jitter and this round trip,
 * on the scale of the codec's bandwidth. Delay is half the round trip, a packet, and a jitter buffer of twice the jitter; its
 * impairment is that of Cole and Rosenbluth's fit to G.107. Rounded to two digits. G.107 7.5, Annex B; G.107.1 7.5, Annex A.
 */
export function estimatedMos(codec: string | null, lossRatio: number, jitterMs: number, roundTripMs: number): number {
  const { band, ie, bpl } = CODECS[codec?.toLowerCase() ?? ''] ?? G711;
  const delayMs = roundTripMs / 2 + PACKETISATION_MS + 2 * jitterMs;
  const delayImpairment = 0.024 * delayMs + (delayMs > 177.3 ? 0.11 * (delayMs - 177.3) : 0);
  const lossPercent = 100 * lossRatio;
  const equipment = ie + ((95 - ie) * lossPercent) / (lossPercent + bpl);
  const r = Math.max(0, (band.best - delayImpairment - equipment) / band.scale);
  // The polynomial dips below its scale near R = 3.
  const mos = Math.max(1, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6);
  return Math.round(mos * 100) / 100;
}

/** Totals of a call as its record keeps them; `codec` is that of the record. */
export function statsOf(codec: string | null, codecs: SideCodecs, totals: EngineTotals): MediaStats {
  const { path, oneWay } = totals;
  const fromWeb = legStats(codecs.web, totals.fromWeb);
  return { codec, path, oneWay, fromWeb, fromIms: legStats(codecs.ims, totals.fromIms) };
}

/** Counts one side of a call that has ended; `codec` is that of what it sent. */
export function measure(count: Count, side: 'web' | 'ims', codec: string | null, leg: EngineLegStats): void {
  count('media_packets_total', { from: side }, leg.packets);
  const { mos } = legStats(codec, leg);
  if (mos === null) return;
  count('media_mos', { side }, mos);
  count('media_loss_ratio', { side }, lossRatio(leg));
  if (leg.jitterMs !== null) count('media_jitter_seconds', { side }, leg.jitterMs / 1000);
  if (leg.roundTripMs !== null) count('media_round_trip_seconds', { side }, leg.roundTripMs / 1000);
}

function legStats(codec: string | null, leg: EngineLegStats): LegStats {
  // Where nobody counted the losses there is nothing to estimate from.
  const known = leg.packets > 0 && leg.lost !== null;
  return { ...leg, mos: known ? estimatedMos(codec, lossRatio(leg), leg.jitterMs ?? 0, leg.roundTripMs ?? 0) : null };
}

function lossRatio({ packets, lost }: EngineLegStats): number {
  return (lost ?? 0) / Math.max(1, packets + (lost ?? 0));
}
