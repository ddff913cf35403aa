/** What to do about a condition: sentences, and the commands that cure it. */
import {
  couldGoWithLess,
  lookCommand,
  machineProxyCommand,
  machineProxyCronFile,
  registerCommand,
  uploadCommand,
  voboxCommand,
} from '../registry/cure-commands.js'
import { isJobFile } from '../registry/job-file-name.js'
import type { LastFailure, Registration } from '../registry/registration.js'
import type { Condition } from './conditions.js'
import { freshJobProxy } from './job-cures.js'

/** A line of advice: a sentence, or something that is shown unbroken on a line of its own. */
export type CureLine = { say: string } | { run: string }

const say = (text: string): CureLine => ({ say: text })
const run = (command: string): CureLine => ({ run: command })

/** A hint ends in its command; on a line of its own that can be pasted. */
function hintLines(hint: string): CureLine[] {
  const command = hint.search(/(?<=: )(?:vobox-proxy |\/etc\/init\.d\/)/)
  return command < 0 ? [run(hint)] : [say(hint.slice(0, command - 1)), run(hint.slice(command))]
}

const ASK_SITE = say('Ask the site manager of this VO-Box, with this mail.')
const UPLOAD = 'Upload the credential again, on a machine that holds your certificate and its key:'
const REGISTER = 'Log in to the VO-Box with a fresh proxy of the same person and register it:'

/** What a cure depends on. */
export interface CureFacts {
  vo: string
  registration: Registration
  /** The last failure since the last success, if there was one. */
  failure?: LastFailure
  /** The stored credential has expired or is about to: renewing from it helps no more. */
  storedUseless: boolean
}

/** Who could give more, and what they would change. */
const LONGER_FROM = {
  'server-cap': 'MyProxy server for more (max_proxy_lifetime)',
  attributes: 'VOMS server for a longer lifetime of attributes',
} as const

type Cure = (facts: CureFacts) => CureLine[]

const upload: Cure = ({ registration }) => [say(UPLOAD), run(uploadCommand(registration))]

const isOfJobs = ({ registration }: CureFacts) => isJobFile(registration.fileName)

const register: Cure = ({ vo, registration }) => [
  say(REGISTER),
  run(registerCommand(vo, registration)),
]

/** The service gives every failure that a person can cure the very command as its hint. */
const refused: Cure = ({ failure }) =>
  failure?.hint === undefined ? [ASK_SITE] : hintLines(failure.hint)

const proxyShort: Cure = (facts) => {
  if (facts.storedUseless) return upload(facts)
  if (facts.failure?.persistence === 'permanent') return refused(facts)
  const { vo, registration } = facts
  if (isOfJobs(facts)) {
    const untilThen = say('The service goes on trying until it ends.')
    return [untilThen, ...freshJobProxy(vo, registration, false)]
  }
  return [
    say('The service goes on trying. To try now, and see what happens, on the VO-Box:'),
    run(voboxCommand(vo, 'renew', '--dn', registration.identity)),
    ...register(facts),
  ]
}

const proxyLost: Cure = (facts) => [
  ...(facts.storedUseless ? upload(facts) : []),
  ...(isOfJobs(facts) ? freshJobProxy(facts.vo, facts.registration, true) : register(facts)),
]

const failing: Cure = ({ registration, failure }) => [
  say('The service goes on trying by itself. Whether the server answers you, see with:'),
  run(lookCommand(registration)),
  ...(failure?.hint === undefined ? [] : hintLines(failure.hint)),
]

/** The VOMS servers are somebody else's; a person can see for themselves, with the proxy in the file. */
const attributesFailing: Cure = ({ failure }) => [
  say('The service goes on trying by itself, and there is nothing to do on the MyProxy server.'),
  ...(failure?.hint === undefined ? [] : hintLines(failure.hint)),
]

/** A role that is gone for good must not keep the others from being renewed. */
const attributesRefused: Cure = (facts) => {
  const { vo, registration, failure } = facts
  const lines = refused(facts)
  if (failure?.code !== 'VOMS_ATTRIBUTE_NOT_GRANTED' || !couldGoWithLess(registration)) return lines
  return [
    ...lines,
    say('To go on with what VOMS still grants, on the VO-Box:'),
    run(registerCommand(vo, registration, '--allow-partial')),
  ]
}

const attributesExpired: Cure = (facts) => [
  ...(facts.failure === undefined ? [] : refused(facts)),
  ...(isOfJobs(facts)
    ? freshJobProxy(facts.vo, facts.registration, false)
    : [
        say('The service goes on trying. To try now, and see what happens, on the VO-Box:'),
        run(voboxCommand(facts.vo, 'renew', '--dn', facts.registration.identity)),
      ]),
]

const attributesPartial: Cure = () => [
  say('Ask the manager of the VO for what is missing, or register with what is granted.'),
]

/** Its owner has stored a new one: uploading once more would change nothing. */
const secondaryBehind = ({ registration }: CureFacts): CureLine =>
  say(
    `It passes when ${registration.servers[0]} answers again; if it lasts, ask the manager of the ` +
      'MyProxy servers why the copy is old.',
  )

function shortGrant({ grant }: Condition, facts: CureFacts): CureLine[] {
  if (grant?.limit === 'secondary-behind') return [secondaryBehind(facts)]
  if (grant?.limit !== 'server-cap' && grant?.limit !== 'attributes') return upload(facts)
  if (isOfJobs(facts)) {
    const server = LONGER_FROM[grant.limit]
    return [say(`Ask the manager of the ${server}, or set jobs.lifetime_seconds lower.`)]
  }
  const hours = String(Math.max(1, Math.floor(grant.grantedSeconds / 3600)))
  return [
    say(`Ask the manager of the ${LONGER_FROM[grant.limit]}, or ask for less:`),
    run(registerCommand(facts.vo, facts.registration, '-t', hours)),
  ]
}

/** What to do about a condition of a registration. */
export function registrationCure(condition: Condition, facts: CureFacts): CureLine[] {
  switch (condition.kind) {
    case 'user-proxy-short':
      return proxyShort(facts)
    case 'user-proxy-expired':
      return condition.revivable ? proxyShort(facts) : proxyLost(facts)
    case 'user-proxy-unreadable':
      return proxyLost(facts)
    case 'renewal-failing':
      return failing(facts)
    case 'renewal-refused':
      return refused(facts)
    case 'attributes-failing':
      return attributesFailing(facts)
    case 'attributes-refused':
      return attributesRefused(facts)
    case 'attributes-partial':
      return attributesPartial(facts)
    case 'attributes-expired':
      return attributesExpired(facts)
    case 'short-grant':
      return shortGrant(condition, facts)
    default:
      return upload(facts)
  }
}

/** The machine proxy comes from the host certificate: its cure is the site's. */
export function machineProxyCure(vo: string): CureLine[] {
  return [
    say('No user can renew it: ask the site manager. As root, this makes one at once:'),
    run(machineProxyCommand(vo)),
    say(
      `${machineProxyCronFile(vo)} does the same every six hours: see that it is there, that ` +
        'cron runs, and that /etc/grid-security/hostcert.pem has not expired.',
    ),
  ]
}

/** What to do about a problem of the service itself. */
export function serviceCure(condition: Condition): CureLine[] {
  return condition.cure === undefined ? [ASK_SITE] : hintLines(condition.cure)
}
