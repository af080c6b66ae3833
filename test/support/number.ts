/** Numbers of the sandbox: subscribers, and what answers for itself. */
export const ADA = '+15550100001';
export const BELA = '+15550100002';
export const CHIDI = '+15550100003';
export const DOLORES = '+15550100004';
export const ECHO = '+15550109000';
export const TONE = '+15550109001';
export const EARLY = '+15550109002';
export const BUSY = '+15550109003';
export const DECLINES = '+15550109004';
export const NO_ANSWER = '+15550109005';
export const HANGS_UP = '+15550109006';
