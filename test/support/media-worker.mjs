/** A media worker that obeys words, for tests of the supervisor. */
process.on('message', message => {
  if (message.type === 'init') {
    if (message.how === 'unable') process.send({ type: 'unable', reason: 'It cannot work here.' });
    else if (message.how === 'crash') process.exit(3);
    else process.send({ type: 'ready' });
  } else if (message.type === 'ping') {
    if (message.mute !== true && !process.muted) process.send({ type: 'pong', lagMs: process.lagMs ?? 3, counts: {} });
  } else if (message.type === 'open')
    process.lagMs = message.op; // What it will tell is in the number of the operation.
  else if (message.type === 'mute') process.muted = true;
  else if (message.type === 'echo') process.send({ type: 'said', text: message.text });
});
process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit(0));
