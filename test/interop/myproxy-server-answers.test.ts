/**
 * The same requests to the server of ours and to Debian's, over the same stored credentials: what do
 * both say first?
 */
import { cp } from 'node:fs/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { askMyProxy } from '../support/ask-myproxy.js'
import { type CServer, startCServer } from '../support/c-server.js'
import { type EmbeddedGrid, startEmbeddedGrid } from '../support/embedded-myproxy.js'
import { addProxy } from '../support/pki.js'
import { describeWithPrograms } from '../support/programs.js'

const SITE = `accepted_credentials "/DC=org/*"
authorized_retrievers "*"
authorized_renewers "/DC=org/DC=example/OU=Hosts/*"
default_renewers "none"
default_trusted_retrievers "none"
trusted_retrievers "/DC=org/DC=example/OU=Hosts/*"
`

const NO_PASS_PHRASE = ['PASSPHRASE=', 'LIFETIME=0']
const RIGHT = ['PASSPHRASE=secret-pass', 'LIFETIME=0']
const WRONG = ['PASSPHRASE=wrong-pass', 'LIFETIME=0']
const GET = 'COMMAND=0'

describeWithPrograms('a request to both servers', ['myproxy-server', 'myproxy-init'], () => {
  let grid: EmbeddedGrid
  let real: CServer
  const files: Record<string, { cert: string; key: string }> = {}

  beforeAll(async () => {
    grid = await startEmbeddedGrid({
      key: 'rsa2048',
      config: SITE,
      server: { guesses: { firstDelayMs: 1, maxDelayMs: 1 } },
    })
    real = await startCServer(grid, 'c-server', SITE)
    for (const [name, one] of Object.entries({ ...grid.users, ...grid.hosts })) {
      files[name] = { cert: one.certificatePath, key: one.keyPath }
    }
    const { vobox } = grid.hosts
    const limited = addProxy(vobox.credential, { key: 'rsa2048', policy: 'limited' })
    const path = await grid.writeProxy('vobox.limited', limited)
    files['a limited vobox'] = { cert: path, key: path }
    await upload(['-n', '-l', 'plain'])
    await upload(['-n', '-l', 'renewable', '-R', 'vobox.example.org'])
    await upload(['-n', '-l', 'trusting', '-k', 'named', '-Z', 'vobox.example.org', '-K', 'words'])
    await upload(['-n', '-l', 'trusting', '-Z', 'vobox.example.org'])
    await upload(['-S', '-l', 'guarded', '-r', 'portal.example.org'], 'secret-pass\n')
    await cp(grid.storeDirectory, real.storeDirectory, { recursive: true })
  })
  afterAll(async () => {
    real?.stop()
    await grid?.stop()
  })

  async function upload(args: readonly string[], input = ''): Promise<void> {
    const { exitCode, stderr } = await grid.run('myproxy-init', args, {
      as: grid.users.alice,
      input,
    })
    expect(exitCode, stderr).toBe(0)
  }

  const askBoth = (who: string, lines: readonly string[]) =>
    Promise.all([grid.port, real.port].map((port) => askMyProxy({ port, as: files[who], lines })))

  /** 0: yes; 1: no; 2: sign a challenge. */
  const verdict = (answer: string) => /^RESPONSE=(.)$/m.exec(answer)?.[1]

  it.each([
    ['renews for a host that may', 'vobox', 'renewable', NO_PASS_PHRASE, '2'],
    ['renews for a host with a limited proxy', 'a limited vobox', 'renewable', NO_PASS_PHRASE, '2'],
    ['minds no pass phrase where none is needed to renew', 'vobox', 'renewable', WRONG, '2'],
    ['refuses another host to renew', 'portal', 'renewable', NO_PASS_PHRASE, '1'],
    ['refuses the owner to renew', 'alice', 'renewable', NO_PASS_PHRASE, '1'],
    ['trusts a host that may', 'vobox', 'trusting', NO_PASS_PHRASE, '0'],
    ['trusts a host whatever pass phrase it sends', 'vobox', 'trusting', WRONG, '0'],
    ['trusts no other host', 'portal', 'trusting', NO_PASS_PHRASE, '1'],
    ['trusts nobody without a certificate', 'nobody', 'trusting', NO_PASS_PHRASE, '1'],
    ['gives for the pass phrase', 'portal', 'guarded', RIGHT, '0'],
    ['gives nothing for a wrong one', 'portal', 'guarded', WRONG, '1'],
    ['gives nothing without one', 'portal', 'guarded', NO_PASS_PHRASE, '1'],
    ['gives it to no other retriever', 'vobox', 'guarded', RIGHT, '1'],
    ['opens nothing that has none with one', 'eve', 'plain', RIGHT, '1'],
    ['finds nothing for a host', 'vobox', 'nobody', NO_PASS_PHRASE, '1'],
    ['finds nothing without a certificate', 'nobody', 'nobody', RIGHT, '1'],
  ] as const)('%s', async (_name, who, username, rest, expected) => {
    const answers = await askBoth(who, [GET, `USERNAME=${username}`, ...rest])
    expect(answers.map(verdict), answers.join('\n')).toEqual([expected, expected])
  })

  it.each([
    ['PUT without a certificate', 'nobody', '1', 'plain'],
    ['PUT over what is not owned', 'eve', '1', 'plain'],
    ['INFO by a stranger', 'eve', '2', 'plain'],
    ['INFO by the owner of two', 'alice', '2', 'trusting'],
    ['DESTROY by a stranger', 'eve', '3', 'plain'],
    ['DESTROY of nothing', 'alice', '3', 'nothing'],
    ['DESTROY without a certificate', 'nobody', '3', 'plain'],
  ])('is answered in the same words: %s', async (_name, who, command, username) => {
    const lines = [`COMMAND=${command}`, `USERNAME=${username}`, ...NO_PASS_PHRASE]
    const [ours, theirs] = await askBoth(who, lines)
    expect(wordsOf(ours)).toEqual(wordsOf(theirs))
  })
})

/** In any order, as neither server promises one; without blanks at the end. */
function wordsOf(answer: string | undefined): string[] {
  return (answer ?? '')
    .split('\n')
    .map((line) => line.trimEnd())
    .toSorted()
}
