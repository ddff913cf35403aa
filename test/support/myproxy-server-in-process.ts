/**
 * A MyProxy server of ours in a process of its own, which kills itself just before the n-th call of
 * the system that its store makes, counted from when it listens:
 * `node SCRIPT CONFIGURATION STORE CA-DIRECTORY CERTIFICATE KEY N`. Prints its port.
 */
import { readFileSync } from 'node:fs'
import { parseServerConfig } from '../../src/myproxy/server/config/parse-server-config.js'
import { MyProxyServer } from '../../src/myproxy/server/server.js'
import { CredentialRepository } from '../../src/myproxy/server/store/credential-repository.js'
import { composeSettings } from '../../src/node/myproxy-server/compose-settings.js'
import { systemClock } from '../../src/node/ports/clock.js'
import { makeFiles, nodeFiles } from '../../src/node/ports/files.js'
import { KeyPool } from '../../src/node/ports/key-pool.js'
import { systemRandom } from '../../src/node/ports/random.js'
import { silentJournal } from '../../src/ports/journal.js'
import { parseSplitCredential } from '../../src/proxy/credential.js'
import { TrustDirectory } from '../../src/x509/trust-anchors.js'
import { faultyDisk } from './faulty-disk.js'

const [path = '', directory = '', trust = '', certificate = '', key = '', count = ''] =
  process.argv.slice(2)

let left = Number.POSITIVE_INFINITY
const files = makeFiles(
  faultyDisk(() => {
    if (--left > 0) return
    process.kill(process.pid, 'SIGKILL')
    return new Promise<void>(() => undefined)
  }),
)

async function run(): Promise<void> {
  const [clock, random, journal] = [systemClock, systemRandom, silentJournal]
  const uid = process.getuid?.() ?? 0
  const settings = await composeSettings(parseServerConfig(readFileSync(path), path), {
    ...{ path, uid, journal, clock, random, files: nodeFiles, storageDirectory: directory },
  })
  const anchors = new TrustDirectory(nodeFiles, clock, trust, { allowMissingSigningPolicy: false })
  const server = new MyProxyServer({
    ...{ settings, clock, random, journal, host: '127.0.0.1', port: 0 },
    credential: parseSplitCredential(readFileSync(certificate), readFileSync(key)),
    anchors: () => anchors.current(),
    repository: new CredentialRepository({ files, clock, journal, directory, owners: [uid] }),
    keys: new KeyPool({ kind: 'p256', size: 0 }),
    keyKind: 'p256',
  })
  const { port } = await server.start()
  left = Number(count)
  process.stdout.write(`${port}\n`)
}

run().catch((error: unknown) => {
  process.stderr.write(`${error}\n`)
  process.exitCode = 1
})
