/** The calling SDK for browsers: CallingClient for subscribers, VisitorClient for visitors, and what they hand out. */
export { Call } from './call.ts';
export type { CallEvents, Holder } from './call-parts.ts';
export { CallingClient } from './client.ts';
export type { CallingClientOptions, ClientEvents, ClientState } from './client-parts.ts';
export { type CallEnd, type EndReason, endReason, endText } from './end.ts';
export type { EntryPoint, VisitorToken } from './entry-point.ts';
export { browserEnvironment, type Environment } from './environment.ts';
export { CallingError, type ErrorName } from './errors.ts';
export type { Token } from './http.ts';
export type { Registration } from './registration.ts';
export type { CallStatus, FinalStatus, Party } from './session.ts';
export { openTabs } from './tabs.ts';
export { VisitorClient, type VisitorClientOptions, type VisitorState } from './visitor.ts';
