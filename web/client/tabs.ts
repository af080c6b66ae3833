/** What the tabs of one browser profile tell each other: one word on one subject. */

export interface Tabs {
  /** To the other tabs; this one does not hear it. */
  say(word: string): void;
  close(): void;
}

/** `hear` gets what other tabs say on this subject. Where the browser has no such channel nobody hears anything. */
export function openTabs(subject: string, hear: (word: string) => void): Tabs {
  if (typeof BroadcastChannel === 'undefined') return { say() {}, close() {} };
  const channel = new BroadcastChannel(subject);
  channel.onmessage = ({ data }: MessageEvent<unknown>) => {
    if (typeof data === 'string') hear(data);
  };
  return {
    say: word => channel.postMessage(word),
    close: () => channel.close(),
  };
}
