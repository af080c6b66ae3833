/** Preloaded into a process and its children: node-datachannel cannot be found there, as on a platform it has no binary for. */
import { registerHooks } from 'node:module';

registerHooks({
  resolve(specifier, context, next) {
    if (specifier === 'node-datachannel')
      throw Object.assign(new Error("Cannot find package 'node-datachannel'"), { code: 'ERR_MODULE_NOT_FOUND' });
    return next(specifier, context);
  },
});
