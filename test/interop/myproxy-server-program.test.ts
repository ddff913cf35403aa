/** Our `myproxy-server` as a program: it starts, is told things by signals, and ends. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { connect, type TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Credential } from '../../src/proxy/credential.js'
import { encodePem } from '../../src/x509/pem.js'
import { encodePrivateKey } from '../../src/x509/private-key.js'
import { spawnSync } from '../support/bounded.js'
import { hostName, TestAuthority } from '../support/pki.js'
import { writeCredentialPair, writeTrustFiles } from '../support/pki-files.js'
import { describeWithPrograms, findProgram } from '../support/programs.js'
import {
  C_NAME,
  CONFIG,
  type ForegroundServer,
  isAlive,
  makeServerScene,
  OUR_NAME,
  type ServerScene,
} from '../support/server-program.js'

let scene: ServerScene

beforeAll(async () => {
  scene = await makeServerScene()
})

afterAll(() => scene.remove())

/** Of a server that detached; whatever a test ends with, it is stopped. */
const detached: number[] = []

afterEach(() => {
  for (const pid of detached.splice(0)) if (isAlive(pid)) process.kill(pid, 'SIGKILL')
})

function start(command: readonly string[] = [C_NAME], more: readonly string[] = []) {
  const [program = '', ...first] = command
  const result = scene.call(program, [...first, ...scene.words(...more)])
  if (result.status === 0) detached.push(scene.numberIn('pid'))
  return result
}

async function foreground(command: readonly string[] = OUR_NAME): Promise<ForegroundServer> {
  const server = await scene.foreground(command)
  onTestFinished(() => void server.child.kill('SIGKILL'))
  return server
}

/** What `/proc` says of a process. */
const factsOf = (pid: number) => readFileSync(`/proc/${pid}/status`, 'utf8')

const threadsIn = (facts: string) => Number(/^Threads:\s+(\d+)$/m.exec(facts)?.[1])

/** Of one that has asked for nothing that is done beside the main thread. */
const FACTS_OF_IDLE_NODE = String(
  spawnSync(process.execPath, ['-p', 'fs.readFileSync("/proc/self/status")+""']).stdout,
)

describeWithPrograms('a server that detaches', ['myproxy-init', 'myproxy-info'], () => {
  it.each([
    ['under the name of the C server', [C_NAME]],
    ['as a command of ours', OUR_NAME],
  ])('listens and has written pid and port when %s ends with 0', async (_how, command) => {
    expect(start(command)).toMatchObject({ status: 0, stdout: '' })
    const pid = scene.numberIn('pid')
    const stored = scene.client('myproxy-init', ['-d', '-n', '-c', '24', '-t', '12'])
    expect(stored).toMatchObject({ status: 0, said: expect.stringContaining('now exists on') })
    expect(scene.client('myproxy-info', ['-d']).said).toMatch(/timeleft: (23|24):/)
    // Private: what it makes, what it leaves when it dies, and whose terminal it could write to.
    expect(factsOf(pid)).toMatch(/^Umask:\s+0077$/m)
    expect(readFileSync(`/proc/${pid}/coredump_filter`, 'utf8').trim()).toBe('00000000')
    expect(readFileSync(`/proc/${pid}/limits`, 'utf8')).toMatch(/^Max core file size +0 /m)
    const [, , , , , session, terminal] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/\(.*\)/, '()')
      .split(' ')
      .map(Number)
    expect([session, terminal]).toEqual([pid, 0])

    // It has read files: beside those of any Node there are the 8 threads that do.
    expect(threadsIn(factsOf(pid))).toBe(threadsIn(FACTS_OF_IDLE_NODE) + 8)

    process.kill(pid, 'SIGUSR1')
    process.kill(pid, 'SIGTERM')
    await expect.poll(() => isAlive(pid)).toBe(false)
    expect(existsSync(scene.file('pid'))).toBe(false)
    expect(statSync(scene.file('store')).mode & 0o777).toBe(0o700)
  })

  it('a second one serves the same directory on another port, and has a pid file of its own', () => {
    expect(start().status).toBe(0)
    const other = ['-P', scene.file('pid2'), '-z', scene.file('port2')]
    expect(start([C_NAME], other).status).toBe(0)
    detached.push(scene.numberIn('pid2'))
    expect(scene.numberIn('port2')).not.toBe(scene.numberIn('port'))
    expect(scene.numberIn('pid2')).not.toBe(scene.numberIn('pid'))
  })
})

describe('what keeps a server from listening', () => {
  const refusals: [name: string, prepare: () => Refusal][] = [
    [
      'a configuration with a directive that nobody knows, on line 5',
      () => {
        writeFileSync(scene.file('broken'), `${CONFIG}frobnicate 7\n`)
        return { more: ['-c', scene.file('broken')], says: /broken:5: .*frobnicate/ }
      },
    ],
    [
      'a configuration that is not there',
      () => ({ more: ['-c', scene.file('nothing')], says: /nothing is not there\n.*-c/ }),
    ],
    [
      'no certificate of the host',
      () => ({
        env: { X509_USER_CERT: scene.file('nothing') },
        says: /nothing is not there\n +X509_USER_CERT/,
      }),
    ],
    [
      'a key of the host that others can read',
      () => {
        const key = scene.file('open-key.pem')
        writeFileSync(key, readFileSync(scene.host.key), { mode: 0o644 })
        return { env: { X509_USER_KEY: key }, says: /open-key\.pem/ }
      },
    ],
    [
      'a key that is not of the certificate of the host',
      () => ({
        env: { X509_USER_KEY: scene.alice.key },
        says: /belongs to none of the certificates\n +Put the key there that the certificate was/,
      }),
    ],
    [
      'no directory of CAs',
      () => ({
        env: { X509_CERT_DIR: scene.file('nothing') },
        says: /trust anchors, .*nothing, cannot be read\n +install the CA certificates there/,
      }),
    ],
    [
      'a storage directory in one that is not there',
      () => ({
        more: ['-s', scene.file('no/store')],
        says: /no\/store is not there\n +Make it as root, .*: install -d -m 0700/,
      }),
    ],
    [
      'a storage directory that others can read',
      () => {
        mkdirSync(scene.file('open-store'), { mode: 0o755 })
        return {
          more: ['-s', scene.file('open-store')],
          says: /open-store .*0700\n +Run: chmod 700/,
        }
      },
    ],
    [
      'an address of somebody else',
      () => ({
        more: ['-l', '192.0.2.1'],
        says: /192\.0\.2\.1:0: no interface .* has that address/,
      }),
    ],
    ['a port that is none', () => ({ more: ['-p', '99999'], says: /--port must be a port/ })],
    ['a stray word', () => ({ more: ['foo'], says: /no use for 'foo'/ })],
    [
      'a directory for the pid file that is not there',
      () => ({ more: ['-P', scene.file('no/pid')], says: /\/no is not there/ }),
    ],
  ]

  it.each(refusals)('%s is said with its cure, and the command ends with 1', (_name, prepare) => {
    const { more = [], env = {}, says } = prepare()
    const words = scene.words('-P', scene.file('refused'), ...more)
    const { status, stdout, stderr } = scene.call(C_NAME, words, env)
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toMatch(/^myproxy-server: /)
    expect(stderr).toMatch(says)
    expect(existsSync(scene.file('refused'))).toBe(false)
  })

  it('a port and a pid file that a running server has', () => {
    expect(start().status).toBe(0)
    const port = String(scene.numberIn('port'))
    const onItsPort = scene.call(C_NAME, scene.words('-p', port, '-P', scene.file('pid-of-none')))
    expect(onItsPort.stderr).toMatch(`127.0.0.1:${port}: another server has that port`)
    expect(existsSync(scene.file('pid-of-none'))).toBe(false)
    const withItsPid = scene.call(C_NAME, scene.words())
    expect(withItsPid.stderr).toContain(`runs already in pid ${scene.numberIn('pid')}`)
    expect([onItsPort.status, withItsPid.status]).toEqual([1, 1])
  })

  it('ends with 2 for a mistake in the command line of ours', () => {
    const [program, ...first] = OUR_NAME
    expect(scene.call(program, [...first, '-p', 'abc']).status).toBe(2)
  })
})

interface Refusal {
  more?: string[]
  env?: Record<string, string>
  says: RegExp
}

describe('-h and -V', () => {
  it('show every option, and a version in which scripts find MYPROXYv2', () => {
    expect(scene.call(C_NAME, ['-h'])).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/--portfile, -z FILE.*\n +--storage, -s DIR/s),
    })
    expect(scene.call(C_NAME, ['--version']).stdout).toMatch(/^myproxy-server version MYPROXYv2 /)
  })
})

describeWithPrograms('the command lines of the C server', ['myproxy-server'], () => {
  /** Each asks for help or is wrong, so that no server of Debian's ever starts. */
  it.each([
    '-h',
    '--help',
    '--usage',
    '-u',
    '-dvh',
    '-V',
    '--version',
    '--vers',
    '-c a -s b -p 0 -P c -z d -l e -d -v -h',
    '--config=a --storage b --port 0 --pidfile c --portfile=d --listen e --debug --verbose -h',
    '--conf a --stor b --pid c --portf d --lis e --deb --verb -h',
    '-x',
    'foo',
    '-c',
    '--config',
    '--por 0 -h',
    '--nothing',
    '-h foo',
  ])('%s ends in the same way', (line) => {
    const words = line.split(' ')
    const theirs = spawnSync(findProgram('myproxy-server') ?? '', words, { env: {} })
    const ours = scene.call(C_NAME, words)
    expect(ours.status).toBe(theirs.status)
    expect(ours.stdout === '').toBe(String(theirs.stdout) === '' || theirs.status !== 0)
  })
})

/** A TLS connection to the server. */
async function connected(as: Credential = scene.aliceCredential): Promise<TLSSocket> {
  const { chain, privateKey } = as
  const socket = connect({
    ...{ host: '127.0.0.1', port: scene.numberIn('port'), maxVersion: 'TLSv1.2' },
    cert: chain.map(({ der }) => encodePem('CERTIFICATE', der)).join(''),
    key: encodePrivateKey(privateKey),
    rejectUnauthorized: false,
  })
  onTestFinished(() => void socket.destroy())
  await new Promise((resolve, reject) =>
    socket.once('secureConnect', resolve).once('error', reject),
  )
  return socket
}

const [PUT, INFO] = [1, 2]

/** The first answer to a request, on a connection that is there. */
async function ask(socket: TLSSocket, command = INFO): Promise<string> {
  const lines = [`COMMAND=${command}`, 'USERNAME=alice', 'PASSPHRASE=', 'LIFETIME=0']
  socket.write('0')
  socket.write(`VERSION=MYPROXYv2\n${lines.join('\n')}\n\0`)
  let answer = ''
  for await (const chunk of socket) {
    answer += chunk
    if (answer.includes('\0')) break
  }
  return answer
}

describe('a server in the foreground', () => {
  it('serves one connection under the name of the C server, and ends with 0', async () => {
    const server = await foreground([C_NAME])
    expect(await ask(await connected())).toMatch(/^VERSION=MYPROXYv2\nRESPONSE=/)
    expect(await server.ended).toBe(0)
    expect(server.log()).toMatch(/ stopped: ended in order/)
  })

  it('takes no new connection after SIGTERM, answers the one that it has, and ends with 0', async () => {
    const server = await foreground()
    const early = await connected()
    server.child.kill('SIGTERM')
    await expect.poll(() => server.log()).toContain(' stopping: ')
    await expect(connected()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(await ask(early)).toContain('RESPONSE=')
    expect(await server.ended).toBe(0)
    expect(existsSync(scene.file('pid'))).toBe(false)
  })

  it('ends at once when it is told twice', async () => {
    const server = await foreground()
    await connected()
    server.child.kill('SIGTERM')
    await expect.poll(() => server.log()).toContain(' stopping: ')
    server.child.kill('SIGTERM')
    expect(await server.ended).toBe(1)
  })
})

describe('SIGHUP', () => {
  /** Sends it, and waits until the log says so. */
  async function reload(server: ForegroundServer, says: RegExp): Promise<void> {
    const before = server.log().length
    server.child.kill('SIGHUP')
    await expect.poll(() => server.log().slice(before)).toMatch(says)
  }

  it('reads policy and CA files again, and a broken configuration changes nothing', async () => {
    const other = new TestAuthority({ key: 'p256', name: hostName('another-ca.example.org') })
    const bob = other.issueUser('bob', { key: 'p256' })
    const server = await foreground()
    const answer = async (as?: Credential) => ask(await connected(as), PUT)
    try {
      expect(await answer()).toContain('RESPONSE=0')
      expect(await answer(bob)).toContain('is not known here')
      await writeTrustFiles(scene.trustDirectory, other)
      writeFileSync(scene.file('config'), CONFIG.replace('"/DC=org', '"/DC=nobody'))
      await reload(server, / reloaded: /)
      expect(await answer()).toContain('not authorized')
      expect(await answer(bob)).toContain('not authorized')
      writeFileSync(scene.file('config'), `${CONFIG}certificate_out_dir\n`)
      await reload(server, / error reload-failed: .*going on as before: .*config:5/)
      expect(await answer()).toContain('not authorized')
    } finally {
      writeFileSync(scene.file('config'), CONFIG)
    }
  })

  it('shows the new certificate of the host, and the old one while its key is missing', async () => {
    const server = await foreground()
    const shown = async () => (await connected()).getPeerX509Certificate()?.serialNumber
    const first = await shown()
    const renewed = scene.ca.issueHost('localhost', { key: 'p256', ips: ['127.0.0.1'] })
    const files = await writeCredentialPair(scene.directory, 'renewed', renewed)
    const [cert, key] = [scene.host.cert, scene.host.key].map((path) => readFileSync(path))
    try {
      writeFileSync(scene.host.cert, readFileSync(files.cert))
      await reload(server, / error credential-unusable: .*goes on with the certificate that it has/)
      expect(await shown()).toBe(first)
      writeFileSync(scene.host.key, readFileSync(files.key))
      await reload(server, / info credential-read: /)
      expect(await shown()).not.toBe(first)
    } finally {
      writeFileSync(scene.host.cert, cert as Buffer)
      writeFileSync(scene.host.key, key as Buffer)
    }
  })
})
