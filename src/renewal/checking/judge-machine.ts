/** Disk, registry and service of the machine, judged. Pure. */
import type { UnixSeconds } from '../../ports/clock.js'
import { showDuration } from '../../ports/time-text.js'
import { bad, doubtful, type Finding, failed, good } from './finding.js'

/** As `statfs(2)` tells for somebody who is not root. */
export interface DiskFacts {
  path: string
  freeBytes: number
  /** 0 in all: the file system has no such limit. */
  freeInodes: number
  inodes: number
}

const MEBIBYTE = 1024 * 1024
const LEAST_BYTES = 16 * MEBIBYTE
const FEW_BYTES = 256 * MEBIBYTE
const LEAST_INODES = 100
const FEW_INODES = 5000

const MAKE_ROOM = 'Make room there: a renewed proxy that cannot be written is lost'

export function judgeDisk({ path, freeBytes, freeInodes, inodes }: DiskFacts): Finding {
  const files = inodes > 0 ? `, and ${freeInodes} more files` : ''
  const sentence = `there is room for ${Math.floor(freeBytes / MEBIBYTE)} MiB${files} in ${path}`
  const short = (bytes: number, few: number) =>
    freeBytes < bytes || (inodes > 0 && freeInodes < few)
  if (short(LEAST_BYTES, LEAST_INODES)) return bad('disk', sentence, MAKE_ROOM)
  if (short(FEW_BYTES, FEW_INODES)) return doubtful('disk', sentence, MAKE_ROOM)
  return good('disk', sentence)
}

export interface ServiceLook {
  vo: string
  /** As `findService` tells; undefined: none runs. */
  pid: number | 'unknown' | undefined
  /** When it last wrote how it is; undefined: it has not. */
  statusAt?: UnixSeconds
  now: UnixSeconds
}

/** The service writes its status every minute; after this it hangs or cannot write. */
const STALE_SECONDS = 600

export function judgeService({ vo, pid, statusAt, now }: ServiceLook): Finding {
  const start = `/etc/init.d/${vo}-box-proxyrenewal start`
  if (pid === undefined) {
    const sentence = 'the renewal service does not run, so that no proxy is kept alive'
    return bad('service', sentence, `As the VO admin or root: ${start}`)
  }
  const where = pid === 'unknown' ? '' : ` in pid ${pid}`
  const restart = `See log/ and the journal, then: ${start.replace(/start$/, 'restart')}`
  if (statusAt === undefined) {
    return doubtful('service', `the service runs${where} and has not said yet how it is`, restart)
  }
  const silent = now - statusAt
  if (silent > STALE_SECONDS) {
    const sentence = `the service runs${where}, and has not said how it is for ${showDuration(silent)}`
    return bad('service', sentence, restart)
  }
  return good('service', `the service runs${where}`)
}

/** @param warnings what the registry survived, in sentences. */
export function judgeRegistry(registrations: number, warnings: readonly string[]): Finding[] {
  const cure = 'Compare registry.json with what was set aside, and register what is missing'
  if (warnings.length > 0) return warnings.map((one) => doubtful('registry', one, cure))
  const sentence = `${registrations} proxies are registered`
  return [good('registry', registrations === 1 ? '1 proxy is registered' : sentence)]
}

export interface WritableLook {
  path: string
  error?: unknown
}

/** Directories that the service writes in: whichever cannot be written, by its own failure. */
export function judgeWritable(looks: readonly WritableLook[]): Finding[] {
  const broken = looks.filter(({ error }) => error !== undefined)
  if (broken.length > 0) return broken.map(({ error }) => failed('repository', error))
  const [first] = looks
  return [
    good('repository', `a renewed proxy can be written to ${first?.path ?? 'the repository'}`),
  ]
}

export interface MailLook {
  transport: 'sendmail' | 'smtp' | 'none'
  /** Why no mail can leave. */
  trouble?: { message: string; hint?: string | undefined }
  /** Mails that wait in the spool. */
  waiting: number
  /** Whether anybody who is registered wants mail. */
  wanted: boolean
  /** To whom a mail was sent just now. */
  sentTo?: string
}

export function judgeMail(look: MailLook): Finding {
  const { transport, trouble, waiting, wanted, sentTo } = look
  if (trouble !== undefined) return bad('mail', trouble.message, trouble.hint)
  if (transport === 'none') {
    const sentence = 'no mail is sent, as mail.transport says'
    if (!wanted) return good('mail', sentence)
    return doubtful('mail', `${sentence}, though some who are registered want it`, SET_TRANSPORT)
  }
  if (waiting > 0) {
    const sentence = `${waiting} mails wait to be sent`
    return doubtful('mail', sentence, 'Look for "mail was not sent" in log/events.log')
  }
  if (sentTo !== undefined) return good('mail', `a mail to ${sentTo} was taken`)
  return good('mail', `mail leaves by ${transport}, as far as that shows before one is sent`)
}

const SET_TRANSPORT = 'Set mail.transport to sendmail or smtp in the configuration'
