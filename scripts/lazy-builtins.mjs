// Modules of Node that cost milliseconds to load are loaded when something of them is first used, not
// when the bundle starts: `node:crypto` alone is a fifth of `node -e 0`.

/** Each costs a millisecond or more, alone or with what it loads itself. */
const COSTLY = [
  'crypto',
  'tls',
  'https',
  'http',
  'http2',
  'net',
  'dns',
  'dns/promises',
  'child_process',
  'fs/promises',
  'timers/promises',
  'readline',
  'stream',
  'worker_threads',
  'zlib',
]

/**
 * What esbuild makes of `import { name } from 'node:crypto'`, and of `import * as crypto`; each use then
 * reads `import_….name`.
 */
const IMPORT = new RegExp(
  `\\b(import_\\w+) ?= ?require\\("(?:node:)?(${COSTLY.join('|')})"\\)`,
  'g',
)

const HELPER = [
  'var lazyBuiltin=(loaded=>name=>loaded[name]??=',
  'new Proxy({},{get:(_,key)=>key==="default"?require(name):require(name)[key]}))({});',
].join('')

/** The text of a bundle with these imports put off. */
export function withLazyBuiltins(text) {
  return HELPER + text.replace(IMPORT, '$1=lazyBuiltin("node:$2$3")')
}
