/**
 * Patterns on DNs against those of a real server: one credential a pattern, all on one server. Who
 * moves a store from one server to the other must not move anybody's rights.
 */
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { isVoboxError } from '../../src/errors.js'
import { requestRenewal } from '../../src/myproxy/client.js'
import { matchesDnPattern } from '../../src/myproxy/server/policy/dn-pattern.js'
import { parseStoredData } from '../../src/myproxy/server/store/stored-data.js'
import { dialerWithNames, myproxyContext } from '../support/myproxy-context.js'
import { addProxy } from '../support/pki.js'
import { describeWithPrograms } from '../support/programs.js'
import { MYPROXY_PROGRAMS, type RealGrid, startRealGrid } from '../support/real-peers.js'

/** Of the machine that asks. */
const DN = '/DC=org/DC=example/OU=Hosts/CN=vobox.example.org'

const PATTERNS: readonly (readonly [pattern: string, matches: boolean])[] = [
  [DN, true],
  ['*', true],
  ['**', true],
  ['none', false],
  ['*/CN=vobox.example.org', true],
  ['*/cn=vobox.example.org', false],
  ['/CN=vobox.example.org', false],
  ['*/CN=vobox.example', false],
  ['*/CN=vobo?.example.org', true],
  ['*/CN=vobox?.example.org', false],
  ['*/CN=vobox?example.org', true],
  ['*/CN=voboxx.example.org', false],
  ['*/CN=vobox\\.example\\.org', true],
  ['*/CN=vob\\.x.example.org', true],
  ['*/CN=vobox\\*.example.org', true],
  ['*/CN=voboxy\\*.example.org', true],
  ['*/CN=voboxy\\?.example.org', true],
  ['*/CN=voboxyy\\?.example.org', false],
  ['*/CN=vobo+x.example.org', true],
  ['*/CN=voboxy+.example.org', false],
  ['*/CN=vobo\\+x.example.org', false],
  ['*/CN=other|*/CN=vobox*', true],
  ['*/CN=other|*/CN=another', false],
  ['*/CN=(other|vobox).example.org', true],
  ['*/CN=(other|another).example.org', false],
  ['*/CN=\\(vobox\\).example.org', false],
  ['*/CN=vobo[xyz].example.org', true],
  ['*/CN=vobo[a-c].example.org', false],
  ['*/CN=vobo[^a-c].example.org', true],
  ['*/CN=vobox[.]example.org', true],
  ['*/CN=[[:alpha:]]{5}.example.org', true],
  ['*/CN=[[:alpha:]]{6,}.example.org', false],
  ['*/CN=[[:alpha:]]{,5}.example.org', true],
  ['*/CN=[:alpha:]\\*.example.org', false],
  ['*/CN=[[:letters:]]\\*.example.org', false],
  ['*/CN=(vobox.example.org', false],
  ['*/CN=vobox.example.org\\', true],
  ['*/CN=vobox.example.org)', false],
  ['*/CN=vobox.example.org|(', false],
  ['*/CN=vobox.example.org|', true],
  ['x)|(*', true],
  ['^*/CN=vobox.example.org$', true],
  ['*^/CN=vobox.example.org', false],
  ['*/CN\\=vobox.example.org', true],
  ['*\\/CN=vobox.example.org', true],
  ['*\\\\/CN=vobox.example.org', true],
  ['*/CN=\\*vobox.example.org', true],
  ['\\*/CN=vobox.example.org', false],
  ['*/CN=v{2}obox.example.org', false],
  ['*/CN=v{1}obox.example.org', true],
  ['*/CN=v{x}obox.example.org', false],
  ['SUBJECT:*/CN=vobox.example.org', true],
  ['subject:*/CN=another', false],
  ['FQAN:*', false],
  [' *', false],
  ['/DC=*', true],
]

describeWithPrograms('a pattern that was stored with a credential', MYPROXY_PROGRAMS, () => {
  let grid: RealGrid
  beforeAll(async () => {
    grid = await startRealGrid()
    await grid.upload({
      as: grid.users.alice,
      options: ['-l', 'alice', '-n', '-t', '48', '-c', '168', '-x', '-R', 'ANYBODY'],
    })
    const at = (name: string) => join(grid.storeDirectory, name)
    const text = await readFile(at('alice.data'), 'utf8')
    expect(parseStoredData(Buffer.from(text)).renewer).toBe('ANYBODY')
    for (const [index, [pattern]] of PATTERNS.entries()) {
      await copyFile(at('alice.creds'), at(`p${index}.creds`))
      const data = text
        .replace('RENEWERS=ANYBODY', () => `RENEWERS=${pattern}`)
        .replace('USERNAME=alice', `USERNAME=p${index}`)
      await writeFile(at(`p${index}.data`), data, { mode: 0o600 })
    }
  })
  afterAll(() => grid?.stop())

  const mayRenew = async (username: string): Promise<boolean> => {
    try {
      await requestRenewal(
        myproxyContext(grid.ca, { dialer: dialerWithNames({ localhost: ['127.0.0.1'] }) }),
        {
          servers: [grid.server],
          username,
          lifetimeSeconds: 3600,
          machine: addProxy(grid.hosts.vobox.credential),
          current: addProxy(grid.users.alice.credential),
        },
      )
      return true
    } catch (error) {
      if (isVoboxError(error, 'MYPROXY_NOT_AUTHORISED_RENEWER')) return false
      throw error
    }
  }

  it.each(PATTERNS.map(([pattern, matches], index) => ({ pattern, matches, index })))(
    '$pattern: $matches at both servers',
    async ({ pattern, matches, index }) => {
      expect(grid.hosts.vobox.dn).toBe(DN)
      expect(matchesDnPattern(pattern, DN)).toBe(matches)
      expect(await mayRenew(`p${index}`)).toBe(matches)
    },
  )
})
