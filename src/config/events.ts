/** Settings of subscriptions and notification channels. */
import { area, integer, list } from './area.ts';

export const events = area('Subscriptions and channels', {
  subscriptionDefaultMs: integer('Life of a subscription that names no expiry.', 86_400_000, 60_000),
  subscriptionMaxMs: integer('Longest life of a subscription.', 604_800_000, 60_000),
  subscriptionsPerUser: integer('Active subscriptions of one client and user.', 100, 1),
  tokenExpiringLeadMs: integer('ACCESS_TOKEN_EXPIRED is sent this long before a sink token ends.', 60_000, 0),
  channelOrigins: list(
    'Web origins that may open a notification channel; empty means those of the channel’s client. Visitors’ channels know those of their entry points only.',
  ),
  channelTicketMs: integer('Life of a channel ticket.', 30_000, 1000),
  channelAbsentMs: integer(
    'A device without an open channel for this long is skipped when calls come in.',
    60_000,
    1000,
  ),
  channelBufferLength: integer('Events kept for a channel that is away.', 200, 8),
  channelBufferMs: integer('How long they are kept.', 300_000, 1000),
});
