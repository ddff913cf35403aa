/** Disk, time service, renewal service and mail of this machine, as they are now. */
import { accessSync, constants } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { hostname, userInfo } from 'node:os'
import { execa } from 'execa'
import { toVoboxError } from '../../errors.js'
import { asUnixSeconds } from '../../ports/clock.js'
import type { Registration } from '../../registry/registration.js'
import type {
  DiskFacts,
  MailLook,
  ServiceLook,
  WritableLook,
} from '../../renewal/checking/judge-machine.js'
import type { VoContext } from '../compose/compose.js'
import { findMailTrouble } from '../compose/mail-trouble.js'
import { greetSmtp, makeMailer } from '../ports/mailer.js'
import { findService, pidFilesOf } from '../service/service-lock.js'

export async function lookAtDisk(path: string): Promise<DiskFacts> {
  const { bsize, bavail, ffree, files } = await statfs(path)
  return { path, freeBytes: bavail * bsize, freeInodes: ffree, inodes: files }
}

/** What the service writes to; what is not there yet is made in the VO directory. */
export async function lookAtDirectories({ files, paths }: VoContext): Promise<WritableLook[]> {
  const looks: WritableLook[] = []
  for (const path of [paths.repository, paths.state, paths.log, paths.directory]) {
    if ((await files.facts(path)) === undefined) continue
    try {
      await files.probeWritable(path)
      looks.push({ path })
    } catch (error) {
      looks.push({ path, error })
    }
  }
  return looks
}

const SYSTEMD = '/run/systemd/system'
const TIMESYNC_MARK = '/run/systemd/timesync/synchronized'
const TIMEDATECTL_MS = 3000

/** What systemd says of the kernel's clock; undefined: it runs not here, or does not know. */
export async function isClockKept(signal: AbortSignal): Promise<boolean | undefined> {
  if (isThere(TIMESYNC_MARK)) return true
  if (!isThere(SYSTEMD)) return undefined
  const { stdout, failed } = await execa(
    'timedatectl',
    ['show', '--property=NTPSynchronized', '--value'],
    {
      timeout: TIMEDATECTL_MS,
      cancelSignal: signal,
      reject: false,
      extendEnv: false,
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
    },
  )
  if (failed) return undefined
  return stdout.trim() === 'yes' ? true : stdout.trim() === 'no' ? false : undefined
}

export async function lookAtService(vo: VoContext): Promise<ServiceLook> {
  const { files, paths, directory } = vo
  const pid = await findService(files, {
    vo: vo.vo,
    admin: userInfo().username,
    adminUid: directory.uid,
    lockPath: paths.serviceLock,
    pidFiles: pidFilesOf(vo.vo, paths.directory),
    statusFile: paths.serviceStatus,
  })
  const status = await files.facts(paths.serviceStatus)
  return {
    vo: vo.vo,
    pid,
    now: vo.clock.now(),
    ...(status !== undefined && { statusAt: asUnixSeconds(status.modifiedMs / 1000) }),
  }
}

const WAITING = /^[0-9a-f]{32}\.mail$/

/** @param send whether a mail goes to `mail.admin` now. */
export async function lookAtMail(
  vo: VoContext,
  registrations: readonly Registration[],
  send: boolean,
  signal: AbortSignal,
): Promise<MailLook> {
  const { mail } = vo.config
  const spooled = await vo.files.list(vo.paths.spool).catch(() => [])
  const look: MailLook = {
    transport: mail.transport,
    waiting: spooled.filter((name) => WAITING.test(name)).length,
    wanted: registrations.some(({ email }) => email !== null),
  }
  const trouble = findMailTrouble(mail)
  if (trouble !== undefined) return { ...look, trouble }
  try {
    if (mail.transport === 'smtp') await greetSmtp({ mail, host: hostname() })
    return send ? { ...look, ...(await sendOne(vo, signal)) } : look
  } catch (error) {
    const { message, hint } = toVoboxError(error)
    return { ...look, trouble: { message, hint } }
  }
}

async function sendOne(
  { vo, config, journal, clock, random }: VoContext,
  signal: AbortSignal,
): Promise<Pick<MailLook, 'sentTo'>> {
  const host = hostname()
  const mailer = makeMailer({ mail: config.mail, host, journal })
  if (mailer === null) return {}
  const { admin } = config.mail
  const unique = Buffer.from(random.bytes(12)).toString('hex')
  await mailer.send(
    {
      to: [admin],
      subject: `[vobox-proxy ${vo}] mail from ${host} arrives`,
      text:
        `vobox-proxy check --send-mail was run on ${host} for VO ${vo}.\n` +
        'Warnings about proxies will come the same way. There is nothing to do.\n',
      messageId: `<check.${clock.now()}.${unique}@${host}>`,
    },
    signal,
  )
  return { sentTo: admin }
}

function isThere(path: string): boolean {
  try {
    accessSync(path, constants.F_OK)
    return true
  } catch {
    return false
  }
}
