/**
 * What to do about a condition: sentences, and the commands that cure it.
 *
 * The table of failure codes holds only those that a person can cure and that need more than the
 * failure's own hint. Everything else shows the hint that was given where it was raised.
 */
import type { ErrorCode } from '../errors.js'
import {
  lookCommand,
  machineProxyCommand,
  machineProxyCronFile,
  uploadCommand,
  voboxCommand,
} from '../registry/cure-commands.js'
import type { LastFailure, Registration } from '../registry/registration.js'
import type { Condition } from './conditions.js'

/**
 * A line of advice: a sentence, or a command. A command is shown unbroken on a line of its own, and so
 * is a failure's hint, since that may hold one.
 */
export type CureLine = { say: string } | { run: string }

const say = (text: string): CureLine => ({ say: text })
const run = (command: string): CureLine => ({ run: command })

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

type Cure = (facts: CureFacts) => CureLine[]

const upload: Cure = ({ registration }) => [say(UPLOAD), run(uploadCommand(registration))]

const register: Cure = ({ vo }) => [say(REGISTER), run(voboxCommand(vo, 'register'))]

const letRenew: Cure = ({ registration, failure }) =>
  failure?.hint === undefined
    ? [
        say(
          'Upload the credential again so that this VO-Box may renew it, and if that does not ' +
            'help, ask the manager of the MyProxy server to let it (authorized_renewers):',
        ),
        run(uploadCommand(registration)),
      ]
    : [run(failure.hint)]

const REFUSALS: Partial<Record<ErrorCode, { fact: string; cure: Cure }>> = {
  MYPROXY_NO_CREDENTIAL: {
    fact: 'The MyProxy server holds no credential under this name',
    cure: upload,
  },
  MYPROXY_CREDENTIAL_EXPIRED: {
    fact: 'The credential stored on the MyProxy server has expired',
    cure: upload,
  },
  MYPROXY_PASS_PHRASE_REQUIRED: {
    fact: 'The stored credential is protected by a pass phrase, so that nothing can renew from it',
    cure: upload,
  },
  CREDENTIAL_HAS_PASS_PHRASE: {
    fact: 'The stored credential is protected by a pass phrase, so that nothing can renew from it',
    cure: upload,
  },
  MYPROXY_NOT_AUTHORISED_RENEWER: {
    fact: 'The MyProxy server does not let this VO-Box renew',
    cure: letRenew,
  },
  CREDENTIAL_HAS_NO_RENEWER: {
    fact: 'The stored credential names no renewer, and by default the server lets this VO-Box not renew',
    cure: letRenew,
  },
  CREDENTIAL_RENEWER_NOT_US: {
    fact: 'The stored credential may be renewed by another machine only',
    cure: letRenew,
  },
  MYPROXY_CHALLENGE_REFUSED: {
    fact: 'The proxy of this registration was not taken as authorisation for its own renewal',
    cure: register,
  },
  PROXY_EXPIRED: {
    fact: 'The proxy has expired and can no longer authorise its own renewal',
    cure: register,
  },
  RENEWED_IDENTITY_DIFFERS: {
    fact: 'The credential stored under this name belongs to another DN',
    cure: upload,
  },
  RENEWED_KIND_DIFFERS: {
    fact: 'The stored credential yields proxies of another kind than the one registered',
    cure: upload,
  },
  RENEWED_LIMITED: {
    fact: 'The stored credential is a limited proxy and yields nothing better',
    cure: upload,
  },
}

/** What the failure means, in one sentence without a full stop. */
export function failureFact(failure: LastFailure): string {
  return REFUSALS[failure.code as ErrorCode]?.fact ?? failure.message
}

/** What to do about a failure that retrying does not cure. */
const refused: Cure = (facts) => {
  const known = REFUSALS[facts.failure?.code as ErrorCode]
  if (known !== undefined) return known.cure(facts)
  const hint = facts.failure?.hint
  return [hint === undefined ? ASK_SITE : run(hint)]
}

const proxyShort: Cure = (facts) => {
  if (facts.storedUseless) return upload(facts)
  if (facts.failure?.persistence === 'permanent') return refused(facts)
  const { vo, registration } = facts
  return [
    say('The service goes on trying. To try now, and see what happens, on the VO-Box:'),
    run(voboxCommand(vo, 'renew', '--dn', registration.identity)),
    ...register(facts),
  ]
}

const proxyLost: Cure = (facts) => [
  ...(facts.storedUseless ? upload(facts) : []),
  ...register(facts),
]

const failing: Cure = ({ registration, failure }) => [
  say('The service goes on trying by itself. Whether the server answers you, see with:'),
  run(lookCommand(registration)),
  ...(failure?.hint === undefined ? [] : [run(failure.hint)]),
]

function shortGrant({ grant }: Condition, facts: CureFacts): CureLine[] {
  if (grant?.limit !== 'server-cap') return upload(facts)
  const hours = String(Math.max(1, Math.floor(grant.grantedSeconds / 3600)))
  return [
    say('Ask the manager of the MyProxy server for more (max_proxy_lifetime), or ask for less:'),
    run(voboxCommand(facts.vo, 'register', '-t', hours)),
  ]
}

/** What to do about a condition of a registration. */
export function registrationCure(condition: Condition, facts: CureFacts): CureLine[] {
  switch (condition.kind) {
    case 'user-proxy-short':
      return proxyShort(facts)
    case 'user-proxy-expired':
    case 'user-proxy-unreadable':
      return proxyLost(facts)
    case 'renewal-failing':
      return failing(facts)
    case 'renewal-refused':
      return refused(facts)
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
      `${machineProxyCronFile(vo)} does the same every six hours: see that it is there, that cron ` +
        'runs, and that /etc/grid-security/hostcert.pem has not expired.',
    ),
  ]
}

/** What to do about a problem of the service itself. */
export function serviceCure(condition: Condition): CureLine[] {
  return [condition.cure === undefined ? ASK_SITE : run(condition.cure)]
}
