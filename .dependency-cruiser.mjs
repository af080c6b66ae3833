/** The walls between the layers; `npm run check` fails on any import that crosses one. See docs/adr/0001-layers.md. */
const core = '^src/(ep-cscf)/';
const layer = '^src/(api|waf|wwsf|w2-sip|mw|events|eims-agw|store|cluster)/';

export default {
  forbidden: [
    {
      name: 'no-cycle',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'random-tests-have-a-seed',
      severity: 'error',
      from: { pathNot: '^test/support/property\\.ts$' },
      to: { path: 'node_modules/fast-check' },
    },
    {
      name: 'sip-and-sdp-stand-alone',
      severity: 'error',
      from: { path: '^src/(sip|sdp)/', pathNot: '\\.test\\.ts$' },
      to: { path: '^src/', pathNot: '^src/$1/' },
    },
    {
      name: 'only-transport-opens-sockets',
      severity: 'error',
      from: { path: '^src/sip/', pathNot: ['^src/sip/transport/', '\\.test\\.ts$'] },
      to: { path: '^(node:)?(net|dgram|tls)$' },
    },
    {
      name: 'core-imports-sdp-alone',
      severity: 'error',
      from: { path: core, pathNot: '\\.test\\.ts$' },
      to: { path: '^src/', pathNot: '^src/(ep-cscf|sdp)/' },
    },
    {
      name: 'core-is-pure',
      severity: 'error',
      from: { path: core, pathNot: '\\.test\\.ts$' },
      to: { dependencyTypes: ['core', 'npm', 'npm-dev'] },
    },
    {
      name: 'layers-know-the-core-only',
      severity: 'error',
      from: { path: layer, pathNot: '\\.test\\.ts$' },
      to: {
        path: '^src/',
        pathNot: ['^src/(ep-cscf|runtime|config)/', '^src/errors\\.ts$', '^src/$1/', '^src/(waf|sip|sdp)/'],
      },
    },
    {
      name: 'waf-serves-api-and-wwsf',
      severity: 'error',
      from: { path: layer, pathNot: '^src/(api|wwsf|waf)/' },
      to: { path: '^src/waf/' },
    },
    {
      name: 'sip-is-for-mw-and-w2-sip',
      severity: 'error',
      from: { path: layer, pathNot: '^src/(mw|w2-sip)/' },
      to: { path: '^src/sip/' },
    },
    {
      name: 'sdp-is-for-media-and-w2-sip',
      severity: 'error',
      from: { path: layer, pathNot: '^src/(eims-agw|w2-sip)/' },
      to: { path: '^src/sdp/' },
    },
    {
      name: 'sip-through-its-index',
      severity: 'error',
      from: { path: '^(src|sandbox|lab)/', pathNot: '^src/sip/' },
      to: { path: '^src/sip/', pathNot: '^src/sip/index\\.ts$' },
    },
    {
      name: 'sdp-through-its-index',
      severity: 'error',
      from: { path: '^(src|sandbox|lab)/', pathNot: '^src/sdp/' },
      to: { path: '^src/sdp/', pathNot: '^src/sdp/index\\.ts$' },
    },
    {
      name: 'runtime-is-below',
      severity: 'error',
      from: { path: '^src/(runtime|config)/', pathNot: '\\.test\\.ts$' },
      to: { path: '^src/', pathNot: '^src/(runtime|config|ep-cscf)/' },
    },
    {
      name: 'gateway-alone-knows-adapters',
      severity: 'error',
      from: { path: '^src/(main|errors)\\.ts$' },
      to: { path: layer },
    },
    {
      name: 'nothing-imports-the-sandbox',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.test\\.ts$' },
      to: { path: '^(sandbox|lab|test|bench|tools)/' },
    },
    {
      name: 'page-knows-no-server',
      severity: 'error',
      from: { path: '^web/', pathNot: '\\.test\\.ts$' },
      to: { path: '^(src|sandbox)/' },
    },
    {
      name: 'no-dev-dependency-in-production',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.test\\.ts$' },
      to: { dependencyTypes: ['npm-dev'] },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true, pathNot: '^node:' } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.mjs', '.js'],
      conditionNames: ['import', 'node', 'default', 'types'],
      exportsFields: ['exports'],
    },
  },
};
