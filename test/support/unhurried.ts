/** Settings with which no load of the machine that the tests share decides over a call. */

type Areas = Record<string, Record<string, unknown>>;

/** These settings, and a patience with late processes that no test uses up. */
export function unhurried(settings: Areas = {}): Areas {
  return {
    ...settings,
    sip: { maxLagMs: 5000, ...settings['sip'] },
    media: { shedLagMs: 5000, ...settings['media'] },
  };
}
