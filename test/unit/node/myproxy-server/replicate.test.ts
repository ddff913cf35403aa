import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { CredentialRepository } from '../../../../src/myproxy/server/store/credential-repository.js'
import {
  type ReplicateRepositoryOptions,
  replicateRepository,
} from '../../../../src/node/myproxy-server/replicate.js'
import { replicateToSyslog } from '../../../../src/node/myproxy-server/replicate-to-syslog.js'
import { systemClock } from '../../../../src/node/ports/clock.js'
import { nodeFiles } from '../../../../src/node/ports/files.js'
import { silentJournal } from '../../../../src/ports/journal.js'
import { rejectionOf } from '../../../support/failure.js'
import { TestAuthority, VALID_FROM } from '../../../support/pki.js'
import { writeCredentialPair, writeTrustDirectory } from '../../../support/pki-files.js'
import { describeWithPrograms } from '../../../support/programs.js'
import { STORED } from '../../../support/replication.js'
import { syslogSink } from '../../../support/syslog-sink.js'
import { temporaryDirectory } from '../../../support/temporary-directory.js'

let directory: string
let options: ReplicateRepositoryOptions

beforeEach(async () => {
  directory = await temporaryDirectory()
  const ca = new TestAuthority()
  const { cert, key } = await writeCredentialPair(directory, 'host', ca.issueHost('localhost'))
  options = {
    storage: join(directory, 'store'),
    config: join(directory, 'config'),
    environment: {
      HOME: directory,
      X509_CERT_DIR: await writeTrustDirectory(directory, ca),
      X509_USER_CERT: cert,
      X509_USER_KEY: key,
    },
    onWarning: (sentence) => expect.fail(sentence),
    signal: new AbortController().signal,
  }
  await mkdir(options.storage ?? '', { mode: 0o700 })
})

const configure = (...lines: string[]) =>
  writeFile(join(directory, 'config'), [...lines, ''].join('\n'), { mode: 0o600 })

/** A port on which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function storeOne(): Promise<void> {
  const repository = new CredentialRepository({
    ...{ files: nodeFiles, clock: systemClock, journal: silentJournal },
    ...{ directory: join(directory, 'store'), owners: [process.getuid?.() ?? 0] },
  })
  const data = { username: 'alice', owner: '/DC=org/CN=alice', lifetimeSeconds: 60 }
  await repository.store(data, STORED.one, () => undefined)
}

describe('replicateRepository', () => {
  it('has nobody to hand anything to without slave_servers', async () => {
    await configure('accepted_credentials "*"')
    await storeOne()
    expect(await replicateRepository(options)).toMatchObject({ credentials: 1, secondaries: [] })
  })

  it('says of 2 secondaries that do not answer that both lag in 1 credential', async () => {
    const ports = [await closedPort(), await closedPort()]
    await configure(`slave_servers localhost:${ports[0]};localhost:${ports[1]}`)
    await storeOne()
    const { secondaries } = await replicateRepository(options)
    expect(secondaries).toMatchObject(
      ports.map((port) => ({
        server: `localhost:${port}`,
        behind: 1,
        failure: { code: 'ALL_SERVERS_FAILED' },
      })),
    )
  })

  it('makes no repository where there is none, and names the option', async () => {
    await configure('slave_servers localhost')
    const storage = join(directory, 'elsewhere')
    const error = await rejectionOf(replicateRepository({ ...options, storage }))
    expect(error).toMatchObject({ code: 'FILE_MISSING', data: { path: storage } })
    expect(error.hint).toContain('-r')
    expect(await nodeFiles.facts(storage)).toBeUndefined()
  })

  it('does not work in a repository that others can look into', async () => {
    await configure('slave_servers localhost')
    await chmod(join(directory, 'store'), 0o755)
    expect((await rejectionOf(replicateRepository(options))).code).toBe('FILE_UNSAFE')
  })

  it('begins nothing with a host certificate that ended in 2025', async () => {
    await configure(`slave_servers localhost:${await closedPort()}`)
    await storeOne()
    const old = new TestAuthority().issueHost('localhost', { notAfter: VALID_FROM + 60 })
    const { cert, key } = await writeCredentialPair(directory, 'old', old)
    const environment = { ...options.environment, X509_USER_CERT: cert, X509_USER_KEY: key }
    const error = await rejectionOf(replicateRepository({ ...options, environment }))
    expect(error).toMatchObject({ code: 'CHAIN_EXPIRED', data: { path: cert } })
  })

  it('names X509_USER_CERT where there is no credential of the server', async () => {
    await configure('slave_servers localhost')
    const environment = { ...options.environment, X509_USER_CERT: join(directory, 'none') }
    const error = await rejectionOf(replicateRepository({ ...options, environment }))
    expect(error).toMatchObject({ code: 'FILE_MISSING' })
    expect(error.hint).toContain('X509_USER_CERT')
  })
})

describeWithPrograms('replicateToSyslog', ['logger', 'perl'], () => {
  it('writes the lag as myproxy-replicate with the facility of the server, and nothing else', async () => {
    const { socket, lines } = await syslogSink()
    const port = await closedPort()
    await configure(`slave_servers localhost:${port}`, 'syslog_facility local3')
    await storeOne()
    expect(await replicateToSyslog(options, { socket })).toBe(false)
    const [first, second] = await lines(2)
    // 19 * 8 + 4: RFC 5424, 6.2.1.
    expect(first).toMatch(/^<156>.* myproxy-replicate\[\d+\]: replication-lags: /)
    expect(first).toContain(`localhost:${port} lags in 1 credential for `)
    expect(second).toContain('no server could be used')
  })

  it('writes a failure with its code and its cure', async () => {
    const { socket, lines } = await syslogSink()
    await configure('slave_servers')
    expect(await replicateToSyslog(options, { socket })).toBe(false)
    const [first] = await lines(1)
    expect(first).toMatch(/^<27>.* myproxy-replicate\[\d+\]: replication-failed: .*config:1: /)
    expect(first).toContain('code="CONFIG_INVALID"')
  })

  it('is refused where there is no syslog, since nobody would hear of it', async () => {
    const socket = join(directory, 'no-log')
    const error = await rejectionOf(replicateToSyslog(options, { socket }))
    expect(error).toMatchObject({ code: 'FILE_MISSING', data: { path: '/dev/log' } })
  })
})

describe('cron.d/myproxy-replicate', () => {
  const path = join(import.meta.dirname, '../../../../cron.d/myproxy-replicate')

  it('runs every ten minutes as the account of the unit, with its host credential, to syslog', async () => {
    const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => /^[^#]/.test(line))
    const jobs = lines.filter((line) => !/^[A-Z0-9_]+=\S+$/.test(line))
    expect(jobs).toEqual([
      '*/10 * * * * myproxy [ ! -x /usr/bin/vobox-proxy ] || ' +
        'nice /usr/bin/vobox-proxy myproxy-server replicate --syslog',
    ])
    const unit = await readFile(join(path, '../../systemd/vobox-myproxy-server.service'), 'utf8')
    expect(unit).toContain('\nUser=myproxy\n')
    for (const name of ['X509_USER_CERT', 'X509_USER_KEY']) {
      const set = lines.find((line) => line.startsWith(`${name}=`))
      expect(set).toBeDefined()
      expect(unit).toContain(`\nEnvironment=${set}\n`)
    }
  })
})
