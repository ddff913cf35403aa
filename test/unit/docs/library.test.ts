/** The page about the library against the library. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { MyProxyClient } from '../../../src/library.js'
import { COMMANDS } from '../../../src/myproxy/request.js'

const root = join(import.meta.dirname, '../../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const TEXT = read('docs/library.md')

describe('docs/library.md', () => {
  it('shows the one example that is compiled and run, letter by letter', () => {
    expect(TEXT).toContain(`\n\`\`\`ts\n${read('docs/examples/fetch-proxy.ts')}\`\`\`\n`)
  })

  it('has a row for each of the 10 methods, with all 8 commands of the protocol', () => {
    const rows = [...TEXT.matchAll(/^\| `(\w+)` \| ([A-Z_]+) \|/gm)]
    const methods = Object.getOwnPropertyNames(MyProxyClient.prototype)
    expect(rows.map(([, name]) => name)).toEqual(methods.filter((name) => name !== 'constructor'))
    const onWire = (command: string) =>
      command
        .toUpperCase()
        .replace('PASS-PHRASE', 'PASSPHRASE')
        .replace('TRUST-ROOTS', 'TRUSTROOTS')
        .replaceAll('-', '_')
    expect(new Set(rows.map(([, , command]) => command))).toEqual(new Set(COMMANDS.map(onWire)))
  })
})
