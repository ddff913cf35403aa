/** `vobox-proxy setup` as root, below a prefix: what it makes, keeps, refuses and takes away. */
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { execFileSync, spawnSync } from '../support/bounded.js'
import { CleanMachine, describeOnMachine } from '../support/clean-machine.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const isRoot = process.getuid?.() === 0
const DAEMON = 1

describe.runIf(isRoot)('vobox-proxy setup', () => {
  let prefix: string
  beforeEach(async () => {
    prefix = await temporaryDirectory()
    chmodSync(prefix, 0o755)
  })
  const at = (path: string) => join(prefix, path)
  const setup = (...words: string[]) => {
    const own = ['setup', `--prefix=${prefix}`, '--vo=alice', ...words]
    return spawnSync('bin/vobox-proxy', own, { encoding: 'utf8', timeout: 60_000 })
  }
  const make = (...words: string[]) => setup('--admin=daemon', '--sysv', ...words)
  const failureOf = (...words: string[]) => {
    const { status, stdout, stderr } = setup(...words, '--json')
    expect(stdout).toBe('')
    expect(status).not.toBe(0)
    return JSON.parse(stderr).error
  }
  const voDirectory = () => at('/var/lib/vobox/alice')
  const facts = (path: string) => {
    const { uid, mode } = lstatSync(at(path))
    return [uid, (mode & 0o7777).toString(8)]
  }

  it('makes nine directories of the VO admin’s and root’s five files, each with its mode', () => {
    expect(make().stderr).toBe('')
    const owned = Object.fromEntries(
      [
        '',
        'proxy_repository',
        'state',
        'state/locks',
        'spool',
        'log',
        'start',
        'stop',
        'agents',
      ].map((name) => [name, facts(`/var/lib/vobox/alice/${name}`)]),
    )
    const own = [DAEMON, '700']
    const shared = [DAEMON, '750']
    expect(owned).toEqual({
      '': shared,
      proxy_repository: own,
      state: own,
      'state/locks': own,
      spool: own,
      log: shared,
      start: shared,
      stop: shared,
      agents: shared,
    })
    expect(facts('/etc/init.d/alice-box-proxyrenewal')).toEqual([0, '755'])
    for (const path of [
      'cron.d/alice-box-proxyrenewal',
      'logrotate.d/alice-box-proxyrenewal',
      'vobox-proxy/vo/alice.sh',
      'vobox-proxy/config.toml',
    ]) {
      expect(facts(`/etc/${path}`)).toEqual([0, '644'])
    }
  })

  it('has nothing to change a second time, mends what was changed, and leaves the configuration', () => {
    make()
    expect(make().stdout).toBe('alice: nothing to change\n')
    writeFileSync(at('/etc/init.d/alice-box-proxyrenewal'), 'old\n')
    writeFileSync(at('/etc/vobox-proxy/config.toml'), '# mine\n')
    expect(make().stdout).toBe(`changed ${at('/etc/init.d/alice-box-proxyrenewal')} (root, 0755)\n`)
    expect(readFileSync(at('/etc/vobox-proxy/config.toml'), 'utf8')).toBe('# mine\n')
  })

  it('does nothing with --dry-run, and names each step', () => {
    const { stdout, status } = make('--dry-run')
    expect(status).toBe(0)
    expect(stdout).toContain(`would make ${voDirectory()} (daemon:daemon, 0750)\n`)
    expect(existsSync(at('/etc'))).toBe(false)
    const json = JSON.parse(make('--dry-run', '--json').stdout)
    expect(json).toMatchObject({ version: 1, vo: 'alice', admin: 'daemon', dryRun: true })
    expect(json.steps).toHaveLength(stdout.trim().split('\n').length)
  })

  it('goes from init script and cron to systemd and back', () => {
    make()
    const unit = at('/etc/systemd/system/alice-box-proxyrenewal.service')
    expect(setup('--admin=daemon', '--systemd').status).toBe(0)
    expect([existsSync(unit), existsSync(at('/etc/cron.d/alice-box-proxyrenewal'))]).toEqual([
      true,
      false,
    ])
    expect(setup('--admin=daemon', '--systemd').stdout).toBe('alice: nothing to change\n')
    make()
    expect([existsSync(unit), existsSync(at('/etc/cron.d/alice-box-proxyrenewal'))]).toEqual([
      false,
      true,
    ])
  })

  it('--jobs adds the drop-in, says what to set, and a later setup leaves it until --remove', () => {
    const dropIn = at('/etc/systemd/system/alice-box-proxyrenewal.service.d/vobox-jobs.conf')
    const { stdout, stderr, status } = setup('--admin=daemon', '--systemd', '--jobs')
    expect(status).toBe(0)
    expect(stdout).toContain(`made ${dropIn} (root, 0644)\n`)
    expect(stderr).toBe(
      'vobox-proxy: to serve jobs, set this in /etc/vobox-proxy/config.toml, then run ' +
        '/etc/init.d/alice-box-proxyrenewal restart\n  [jobs]\n  enabled = true\n' +
        '  # and where clients of the C library connect, to /tmp/dgpr_renew_UID:\n' +
        '  legacy_path = true\n',
    )
    expect(setup('--admin=daemon', '--systemd').stdout).toBe('alice: nothing to change\n')
    expect(existsSync(dropIn)).toBe(true)
    expect(setup('--remove').stdout).toContain(`removed ${dropIn}\n`)
    expect(existsSync(dropIn)).toBe(false)
  })

  it('removes its files and leaves registrations and proxies, which --purge removes', () => {
    make()
    const proxy = join(voDirectory(), 'proxy_repository/proxy')
    writeFileSync(proxy, 'x')
    expect(setup('--remove').status).toBe(0)
    expect(existsSync(at('/etc/init.d/alice-box-proxyrenewal'))).toBe(false)
    expect(existsSync(proxy)).toBe(true)
    expect(setup('--remove').stdout).toBe('alice: nothing to change\n')
    expect(setup('--remove', '--purge').stdout).toBe(`removed ${voDirectory()}\n`)
    expect(existsSync(voDirectory())).toBe(false)
  })

  it('purges with the VO admin’s rights: what a link leads to stays', () => {
    make()
    mkdirSync(at('/victim'))
    writeFileSync(at('/victim/file'), 'x')
    symlinkSync(at('/victim'), join(voDirectory(), 'start/link'))
    expect(setup('--remove', '--purge').status).toBe(0)
    expect(existsSync(at('/victim/file'))).toBe(true)
  })

  it('refuses a VO directory that is somebody else’s, and changes nothing', () => {
    mkdirSync(voDirectory(), { recursive: true, mode: 0o755 })
    chownSync(voDirectory(), 2, 2)
    const error = failureOf('--admin=daemon', '--sysv')
    expect(error).toMatchObject({
      code: 'NOT_PERMITTED',
      message: `${voDirectory()} does not belong to daemon`,
      data: { owner: 2, adminUid: DAEMON },
    })
    expect(error.hint).toContain('Name the account with uid 2 as VO admin')
    expect(existsSync(at('/etc'))).toBe(false)
  })

  it('refuses a directory of root’s that others can change, for the VO directory and for files', () => {
    mkdirSync(at('/var/lib/vobox'), { recursive: true })
    chmodSync(at('/var/lib/vobox'), 0o777)
    const open = failureOf('--admin=daemon', '--sysv')
    expect(open).toMatchObject({ code: 'FILE_UNSAFE', data: { at: at('/var/lib/vobox') } })
    chmodSync(at('/var/lib/vobox'), 0o755)
    mkdirSync(at('/etc'))
    chownSync(at('/etc'), DAEMON, DAEMON)
    const foreign = failureOf('--admin=daemon', '--sysv')
    expect(foreign).toMatchObject({ code: 'FILE_UNSAFE', data: { at: at('/etc') } })
  })

  it.each([
    [['--admin=no-such-account'], 'NOT_PERMITTED', 'there is no account no-such-account'],
    [['--admin=root'], 'NOT_PERMITTED', 'root is root, and a VO admin must not be'],
    [['--admin=-x'], 'VO_NAME_INVALID', 'is no admin name'],
    [[], 'USAGE', 'setup needs --admin'],
    [['--admin=daemon', '--vo=../x'], 'VO_NAME_INVALID', 'is no VO name'],
    [['--admin=daemon', '--root=relative'], 'USAGE', '--root'],
    [['--admin=daemon', '--root=/a b'], 'USAGE', '--root'],
  ])('refuses %j with %s', (words, code, message) => {
    const error = failureOf(...words)
    expect(error.code).toBe(code)
    expect(error.message).toContain(message)
    expect(existsSync(at('/etc'))).toBe(false)
  })

  it('is for root alone', () => {
    const options = { uid: DAEMON, gid: DAEMON, encoding: 'utf8' } as const
    const words = ['setup', '--vo=alice', '--admin=daemon', `--prefix=${prefix}`]
    const { status, stderr } = spawnSync('bin/vobox-proxy', words, options)
    expect(status).not.toBe(0)
    expect(stderr).toContain('only root may set a VO up')
  })
})

describeOnMachine('a machine that is set up', ['logrotate'], () => {
  it('has logs that logrotate turns over as the VO admin', async () => {
    const machine = await CleanMachine.make()
    try {
      const prefix = join(machine.shared, 'root')
      const words = ['setup', '--vo=alice', '--admin=daemon', '--sysv', `--prefix=${prefix}`]
      execFileSync('bin/vobox-proxy', words, { stdio: ['ignore', 'ignore', 'inherit'] })
      machine.ok(
        'cp -a /mnt/root/var/lib/vobox /var/lib/ && cp -a /mnt/root/etc/logrotate.d/. /tmp/',
      )
      machine.ok(
        'cd /var/lib/vobox/alice/log && for f in events renewd; do echo x >$f.log; done; chown daemon: *',
      )
      machine.ok('logrotate -f -s /tmp/state /tmp/alice-box-proxyrenewal')
      const found = machine.ok('cd /var/lib/vobox/alice/log && stat -c "%n %U %s" *')
      expect(found).toMatch(/^events\.log\.1 daemon 2$/m)
      expect(found).toMatch(/^renewd\.log daemon 0$/m)
      expect(found).not.toMatch(/^events\.log /m)
    } finally {
      await machine.end()
    }
  })
})
