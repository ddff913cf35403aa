/** What the launchers let through to Node. A script stands in for Node and shows what it got. */
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { beforeEach, describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.js'

const BIN = join(import.meta.dirname, '..', '..', 'bin')
const isRoot = process.getuid?.() === 0

/** Shows its arguments and its environment, a line each; the limit of core dumps last. */
const SHOW = '#!/bin/sh\nfor word; do echo "word $word"; done\nenv\necho "core $(ulimit -c)"\n'

let home: string

beforeEach(async () => {
  home = join(await temporaryDirectory(), 'home')
  mkdirSync(join(home, 'node', 'bin'), { recursive: true })
  cpSync(BIN, join(home, 'bin'), { recursive: true })
  const node = join(home, 'node', 'bin', 'node')
  writeFileSync(node, SHOW)
  chmodSync(node, 0o755)
  chmodSync(join(home, '..'), 0o755)
})

interface Launch {
  program?: string
  asUser?: boolean
  env?: Record<string, string>
}

async function launch(words: string[], { program, asUser, env = {} }: Launch = {}) {
  const { stdout } = await execa(program ?? join(home, 'bin', 'vobox-proxy'), words, {
    extendEnv: false,
    env: { PATH: '/usr/bin:/bin', ...env },
    ...(asUser && isRoot && { uid: 1, gid: 1 }),
  })
  return stdout.split('\n')
}

/** What can make Node or the dynamic linker do something else than we mean. */
const HOSTILE = {
  NODE_OPTIONS: '--require /tmp/evil.js',
  NODE_PATH: '/tmp',
  NODE_EXTRA_CA_CERTS: '/tmp/ca.pem',
  NODE_TLS_REJECT_UNAUTHORIZED: '0',
  OPENSSL_CONF: '/tmp/openssl.cnf',
  LD_LIBRARY_PATH: '/tmp/lib',
  LD_BIND_NOT: '1',
  GLIBC_TUNABLES: 'glibc.malloc.check=1',
}

const OURS = {
  X509_USER_PROXY: '/tmp/with space',
  X509_CERT_DIR: '/etc/certs',
  MYPROXY_SERVER: 'a,b',
  GT_PROXY_MODE: 'old',
  VOBOX_PROXY_ROOT: "/root's",
  NOTIFY_SOCKET: '@notify',
  TZ: '',
}

describe('the launcher', () => {
  it.each<[string, boolean]>([
    ['as an ordinary user', true],
    ['as whoever runs the tests', false],
  ])('drops what makes Node do other things, and core dumps, %s', async (_name, asUser) => {
    const lines = await launch(['query'], { asUser, env: { ...HOSTILE, ...OURS } })
    const names = lines.map((line) => line.split('=')[0])
    for (const name of Object.keys(HOSTILE)) expect(names).not.toContain(name)
    for (const [name, value] of Object.entries(OURS)) expect(lines).toContain(`${name}=${value}`)
    expect(lines).toContain('core 0')
  })

  it.runIf(isRoot)('lets nothing else through as root, and its own PATH', async () => {
    const env = {
      ANYTHING: 'x',
      PYTHONPATH: '/tmp',
      BASH_ENV: '/tmp/x',
      PATH: '/tmp:/usr/bin:/bin',
    }
    const lines = await launch(['query'], { env })
    const names = new Set(
      lines.filter((line) => line.includes('=')).map((line) => line.split('=')[0]),
    )
    // The shell that stands in for Node sets PWD and the like itself.
    for (const name of ['PWD', 'OLDPWD', 'SHLVL', '_']) names.delete(name)
    expect([...names]).toEqual(['PATH'])
    expect(lines).toContain('PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin')
  })

  it('lets an ordinary user keep the rest', async () => {
    expect(await launch(['query'], { asUser: true, env: { ANYTHING: 'x' } })).toContain(
      'ANYTHING=x',
    )
  })

  it('hands every word on as it is', async () => {
    const words = ['--dn', '/CN=O\'Neil "x" $HOME `id` *', '', '--', '\n']
    const lines = await launch(words)
    const got = lines.join('\n').split('\nPATH=')[0] ?? ''
    expect(got).toContain(`word vobox-proxy\nword --dn\nword ${words[1]}\nword \nword --\nword \n`)
  })

  it('finds its home through a chain of links, and names the program', async () => {
    const directory = join(home, '..', 'links')
    mkdirSync(directory)
    symlinkSync('../home/bin/vobox-renewd', join(directory, 'one'))
    symlinkSync('one', join(directory, 'two'))
    const [load = '', program] = await launch(['a'], { program: join(directory, 'two') })
    expect(load).toBe(`word ${home}/bin/../bin/load.cjs`)
    expect(program).toBe('word vobox-renewd')
  })

  it('says what to do where there is no Node', async () => {
    rmSync(join(home, 'node'), { recursive: true })
    // The launcher itself needs a shell, which is named in it by its full path.
    const options = { extendEnv: false, env: { PATH: '/nowhere' }, reject: false } as const
    const identity = isRoot ? { uid: 1, gid: 1 } : {}
    const found = await execa(join(home, 'bin', 'vobox-proxy'), ['query'], {
      ...options,
      ...identity,
    })
    expect(found).toMatchObject({ exitCode: 1, stdout: '' })
    expect(found.stderr).toMatch(
      /^vobox-proxy: Node is not installed\ninstall Node 20 in \/usr or /,
    )
  })

  describe.runIf(isRoot)('as root', () => {
    const run = (env = {}) =>
      execa(join(home, 'bin', 'vobox-proxy'), ['query'], { reject: false, extendEnv: false, env })

    it('runs no Node that only the caller’s PATH names', async () => {
      const caller = join(home, '..', 'caller')
      mkdirSync(caller)
      renameSync(join(home, 'node', 'bin', 'node'), join(caller, 'node'))
      // Another user takes it from there.
      const env = { PATH: `${caller}:/usr/bin:/bin` }
      expect(await launch(['query'], { asUser: true, env })).toContain('word vobox-proxy')
      const { stdout, stderr } = await run(env)
      expect(stdout).not.toContain('word')
      expect(stderr).not.toContain(caller)
    })

    it.each<[string, (node: string) => void]>([
      ['that another user owns', (node) => chownSync(node, 1, 1)],
      ['that others can write', (node) => chmodSync(node, 0o757)],
      ['that a group can write', (node) => chmodSync(node, 0o775)],
      ['below a directory of another user’s', (node) => chownSync(join(node, '..', '..'), 1, 1)],
      ['below a directory that others can write', (node) => chmodSync(join(node, '..'), 0o777)],
      ['that is a link to another program', (node) => replaceByLink(node, '/bin/sh')],
      ['that is a link to another user’s', (node) => linkToForeign(node)],
    ])('runs no Node %s', async (_which, harm) => {
      harm(join(home, 'node', 'bin', 'node'))
      const { stdout } = await run()
      expect(stdout).not.toContain('word')
    })

    it('runs a Node through links of its own', async () => {
      const node = join(home, 'node', 'bin', 'node')
      renameSync(node, `${node}-20`)
      symlinkSync('node-20', node)
      expect((await run()).stdout).toContain('word vobox-proxy')
    })
  })

  it('says which Node it found where that is an old one', async () => {
    const script = [
      "Object.defineProperty(process, 'versions', { value: { node: '18.19.0' } })",
      "Object.defineProperty(process, 'version', { value: 'v18.19.0' })",
      "process.argv[2] = 'vobox-proxy'",
      `require(${JSON.stringify(join(BIN, 'load.cjs'))})`,
    ].join('\n')
    const found = await execa(process.execPath, ['-e', script], { reject: false })
    expect(found).toMatchObject({ exitCode: 1, stdout: '' })
    expect(found.stderr).toBe(
      `vobox-proxy: Node 20.17 or a later 20 is needed, and ${process.execPath} is v18.19.0`,
    )
  })
})

function replaceByLink(path: string, target: string): void {
  rmSync(path)
  symlinkSync(target, path)
}

function linkToForeign(node: string): void {
  const foreign = join(home, '..', 'node-of-another')
  renameSync(node, foreign)
  chownSync(foreign, 1, 1)
  symlinkSync(foreign, node)
}
