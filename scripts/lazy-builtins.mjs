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
 * What esbuild makes of `import { name } from 'node:crypto'` and of `import * as crypto`: a variable of
 * which each use reads a property. What packages `require` themselves is left alone.
 */
const REQUIRE = `require\\("(?:node:)?(${COSTLY.join('|')})"\\)`
const IMPORT = new RegExp(
  `\\b(?:(import_\\w+) ?= ?${REQUIRE}|(\\w+) ?= ?__toESM\\(${REQUIRE}(?:, ?1)?\\))`,
  'g',
)

const HELPER = [
  'var lazyBuiltin=(loaded=>name=>loaded[name]??=',
  'new Proxy({},{get:(_,key)=>key==="default"?require(name):require(name)[key]}))({});',
].join('')

/** The text of a bundle with these imports put off. */
export function withLazyBuiltins(text) {
  const lazy = text.replace(
    IMPORT,
    (_, named, of, whole, ofWhole) => `${named ?? whole}=lazyBuiltin("node:${of ?? ofWhole}")`,
  )
  return lazy.replace(/^("use strict";)?/, `$1${HELPER}`)
}
