/** The tests themselves, run by root on a machine that has a host certificate of its own. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { describe, expect, it } from 'vitest'
import { mayMount } from '../support/may-mount.js'
import { TestAuthority } from '../support/pki.js'
import { writeCredentialPair } from '../support/pki-files.js'
import { describeWithPrograms } from '../support/programs.js'
import { MYPROXY_PROGRAMS } from '../support/real-peers.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const ONE_TEST = 'tells the owner when the credential ends'
/** A run of tests inside a test, on a busy machine. */
const DEADLINE_MS = 120_000

describe.runIf(mayMount)('on a machine with a host certificate', () => {
  describeWithPrograms('the C clients', MYPROXY_PROGRAMS, () => {
    it('upload as the user that the test names, not as the host', {
      timeout: DEADLINE_MS,
    }, async () => {
      const directory = await temporaryDirectory()
      const security = join(directory, 'grid-security')
      mkdirSync(security)
      const host = new TestAuthority().issueHost('a.stranger.example.org', { key: 'rsa2048' })
      await writeCredentialPair(security, 'stranger', host)
      const inside =
        'cd "$1" && mv stranger-cert.pem hostcert.pem && mv stranger-key.pem hostkey.pem && ' +
        'mount --bind "$1" /etc/grid-security && cd "$2" && shift 2 && exec "$@"'
      const vitest = [process.execPath, 'node_modules/vitest/vitest.mjs', 'run']
      const words = [...vitest, 'test/interop/myproxy-client.test.ts', '-t', ONE_TEST]
      const { all } = await execa(
        'unshare',
        ['-m', 'sh', '-c', inside, 'sh', security, process.cwd(), ...words],
        { all: true, reject: false, env: { NO_COLOR: '1' }, extendEnv: true },
      )
      expect(all).toMatch(/Tests +1 passed/)
    })
  })
})
