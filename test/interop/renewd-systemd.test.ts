/** What the service tells systemd, heard on a socket as systemd would. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeWithPrograms } from '../support/programs.js'
import { RenewdVo } from '../support/renewd-process.js'
import { makeTemporaryDirectory } from '../support/temporary-directory.js'

/** Prints each datagram as one line; Node has no such sockets. */
const LISTENER = `
  use IO::Socket::UNIX; $| = 1;
  my $socket = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $ARGV[0]) or die;
  print "listening\\n";
  while (defined $socket->recv(my $message, 4096)) { $message =~ s/\\n/ | /g; print "$message\\n" }
`

describeWithPrograms('vobox-renewd and systemd', ['systemd-notify', 'perl'], () => {
  let directory: Awaited<ReturnType<typeof makeTemporaryDirectory>>
  let listener: ChildProcess
  let heard = ''
  let vo: RenewdVo
  beforeAll(async () => {
    directory = await makeTemporaryDirectory()
    const config = '[mail]\ntransport = "none"\n[keys]\npool = 0\n'
    vo = await RenewdVo.make(directory.path, 'renewd-systemd', config)
    const socket = join(directory.path, 'notify')
    listener = spawn('perl', ['-e', LISTENER, socket], { stdio: ['ignore', 'pipe', 'inherit'] })
    listener.stdout?.on('data', (chunk) => {
      heard += chunk
    })
    await vo.until(() => heard.startsWith('listening'))
  })
  afterAll(async () => {
    listener.kill()
    vo.cleanUp()
    await directory.remove()
  })

  it('is ready once, feeds the watchdog at a quarter of its time, and says that it stops', async () => {
    const service = await vo.start({
      env: { NOTIFY_SOCKET: join(directory.path, 'notify'), WATCHDOG_USEC: '600000' },
    })
    await vo.until(() => (heard.match(/WATCHDOG=1/g) ?? []).length >= 3)
    service.child.kill('SIGTERM')
    expect(await service.ended).toBe(0)
    const messages = heard.split('\n').filter((line) => /READY|STATUS|STOPPING/.test(line))
    expect(messages[0]).toBe('READY=1 | STATUS=0 registered, 0 being renewed, nothing is due')
    expect(heard.match(/READY=1/g)).toHaveLength(1)
    expect(heard).toContain('STOPPING=1')
    expect(service.output()).not.toContain('notify-failed')
  })

  it('feeds no watchdog that is meant for another process', async () => {
    heard = ''
    const service = await vo.start({
      env: {
        NOTIFY_SOCKET: join(directory.path, 'notify'),
        WATCHDOG_USEC: '100000',
        WATCHDOG_PID: '1',
      },
    })
    await vo.until(() => heard.includes('READY=1'))
    await new Promise((resolve) => setTimeout(resolve, 600))
    service.child.kill('SIGTERM')
    await service.ended
    expect(heard).not.toContain('WATCHDOG')
  })

  it('serves all the same when systemd does not listen', async () => {
    const service = await vo.start({ env: { NOTIFY_SOCKET: join(directory.path, 'nobody') } })
    await vo.until(() => service.output().includes('notify-failed'))
    service.child.kill('SIGTERM')
    expect(await service.ended).toBe(0)
  })
})
