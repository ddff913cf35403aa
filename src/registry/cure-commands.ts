/**
 * The commands that cure what goes wrong with a registration, written so that they can be pasted
 * into a shell. Errors of `register` and mail of the service name the same ones.
 */
import { isJobFile } from './job-file-name.js'
import type { Registration } from './registration.js'

/**
 * Lifetime of a credential that is stored for a VO-Box, in hours: four months, or as long as its
 * certificate lives.
 */
export const UPLOAD_HOURS = 3000

/** Longest proxy to be had from it, in hours: services want 48, whatever is asked for today. */
export const LEAST_PROXY_HOURS = 48

/** What of a registration decides how its stored credential must be uploaded. */
export type UploadFacts = Pick<
  Registration,
  'servers' | 'username' | 'credentialName' | 'lifetimeSeconds' | 'passPhraseFile'
>

/**
 * The same with the server first that is meant: the one that answered, where others are dead.
 *
 * @param server `host:port`, and what may stand behind it; absent: as it is.
 */
export function servedBy<F extends UploadFacts>(facts: F, server: string | undefined): F {
  const [label = ''] = server?.split(' ', 1) ?? []
  const meant = facts.servers.find((one) => label === one || label.startsWith(`${one}:`))
  if (meant === undefined) return facts
  return { ...facts, servers: [meant, ...facts.servers.filter((one) => one !== meant)] }
}

/** One word of a POSIX shell; quoted only where it must be. */
export function quoteShell(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/**
 * `myproxy init` as the owner must call it, on a machine that holds the long-lived certificate: what
 * a VO-Box renews, under the DN or the registered user name, for proxies of at least 48 h and for as
 * long as the certificate lives. One that is fetched with a pass phrase is stored with one, which is
 * asked for.
 *
 * @param partnerDn when given, the credential can be renewed by exactly this DN, or be fetched by it
 *   with the pass phrase.
 */
export function uploadCommand(facts: UploadFacts, partnerDn?: string): string {
  const hours = Math.max(LEAST_PROXY_HOURS, wholeHours(facts.lifetimeSeconds))
  const byPassPhrase = facts.passPhraseFile !== undefined
  const words = ['vobox-proxy', 'myproxy', 'init']
  // It alone means: under the DN, without a pass phrase, and these lifetimes.
  if (!byPassPhrase) words.push('--for-vobox')
  words.push('-s', facts.servers[0] ?? 'SERVER')
  if (byPassPhrase || facts.username !== undefined) words.push(...underName(facts))
  if (facts.credentialName !== undefined) words.push('-k', facts.credentialName)
  if (byPassPhrase || hours > LEAST_PROXY_HOURS) words.push('-t', String(hours))
  if (byPassPhrase) words.push('-c', String(UPLOAD_HOURS))
  if (partnerDn !== undefined) {
    words.push(...(byPassPhrase ? ['-x', '-r', dnAsPattern(partnerDn)] : ['--vobox-dn', partnerDn]))
  }
  return words.map(quoteShell).join(' ')
}

/** `myproxy info` as the owner can call it, to look at what is stored. */
export function lookCommand(facts: UploadFacts): string {
  const server = facts.servers[0] ?? 'SERVER'
  const words = ['vobox-proxy', 'myproxy', 'info', '-s', server, ...underName(facts)]
  return words.map(quoteShell).join(' ')
}

const underName = ({ username }: UploadFacts) =>
  username === undefined ? ['-d'] : ['-l', username]

/** A subcommand of `vobox-proxy` for this VO. */
export function voboxCommand(vo: string, ...words: string[]): string {
  return ['vobox-proxy', '--vo', vo, ...words].map(quoteShell).join(' ')
}

/** `register` for the registration that there is: the attributes are part of what it is. */
export function registerCommand(
  vo: string,
  { voms }: Pick<Registration, 'voms'>,
  ...words: string[]
): string {
  const attributes = voms.length === 0 ? ['--no-voms'] : voms.flatMap((one) => ['--voms', one])
  return voboxCommand(vo, 'register', ...words, ...attributes)
}

/** Whether `--allow-partial` would leave something to renew with. No job is handed less than it had. */
export function couldGoWithLess({
  fileName,
  voms,
  allowPartial,
}: Pick<Registration, 'fileName' | 'voms' | 'allowPartial'>): boolean {
  return voms.length > 1 && !allowPartial && !isJobFile(fileName)
}

/** What makes a machine proxy at once; root runs it. */
export function machineProxyCommand(vo: string): string {
  return `/etc/init.d/${vo}-box-proxyrenewal proxy`
}

/** The file that makes machine proxies every six hours; cron ignores names with dots. */
export function machineProxyCronFile(vo: string): string {
  return `/etc/cron.d/${vo.replaceAll('.', '_')}-box-proxyrenewal`
}

/** Hours for `-t`, which takes whole ones: rounded up, at least 1. */
export function wholeHours(seconds: number): number {
  return Math.max(1, Math.ceil(seconds / 3600))
}

/**
 * A DN for `-x -R` and for lines of the server's configuration, where it is a pattern
 * (myproxy-server.config(5), REGULAR EXPRESSIONS). A dot stands for itself there; `*` and `?` have
 * no literal form and stay what they are.
 *
 * The server matches the DN as its own OpenSSL shows it: version 3 writes `\/` and `\+` for what older
 * ones write without a backslash, and `+` for what they write as a slash. No literal backslash
 * matches one there, so both forms are left open.
 */
export function dnAsPattern(dn: string): string {
  return dn.replace(/\\([/+])|[()[\]{}|^$+\\]/g, (found, behind?: string) => {
    if (behind !== undefined) return behind === '/' ? '*/' : '*\\+'
    return found === '+' || found === '\\' ? '?' : `\\${found}`
  })
}
