/** Something for every `--json` document to say that proxy-init and the commands of MyProxy print. */
import { VoboxError } from '../../src/errors.js'
import type { StoredCredential } from '../../src/myproxy/response.js'
import { encodeMyProxyInfo } from '../../src/report/myproxy-info-text.js'
import { encodeMyProxyInit } from '../../src/report/myproxy-init-text.js'
import { encodeLogon, type LogonFacts } from '../../src/report/myproxy-logon-text.js'
import { encodeDestroyed, encodePassPhraseChanged } from '../../src/report/myproxy-owner-text.js'
import { encodeRetrieved } from '../../src/report/myproxy-retrieve-text.js'
import { encodeStored } from '../../src/report/myproxy-store-text.js'
import {
  encodeTrustRoots,
  type TrustRootsFacts,
} from '../../src/report/myproxy-trust-roots-text.js'
import { encodeProxyInit, type ProxyInitFacts } from '../../src/report/proxy-init-text.js'
import {
  encodeReplicated,
  type Replicated,
  type ReplicatedSecondary,
} from '../../src/report/replication-text.js'
import { at, attributes, type Complete, said, server } from './json-sample-parts.js'

const proxyInit: Omit<Complete<ProxyInitFacts>, 'attributes' | 'warnings'> = {
  file: '/tmp/x509up_u0',
  identity: '/CN=anna',
  subject: '/CN=anna/CN=1',
  end: at,
  now: at,
  policy: 'inherit-all',
  keyBits: 2048,
  chainVerified: false,
}

const trustRoots: Complete<TrustRootsFacts> = {
  server,
  directory: '/home/anna/.globus/certificates',
  added: ['8b33482b.0'],
  replaced: ['8b33482b.r0'],
  unchanged: ['8b33482b.signing_policy'],
  newerHere: ['1c8f0fba.r0'],
  refused: [{ name: 'README', reason: 'nothing that a CA directory holds' }],
  newAuthorities: [{ subject: '/CN=CA', fingerprint: '00ff', notAfter: at }],
  vouchedBy: { subject: '/CN=CA', fingerprint: '00ff' },
}

const logon: Omit<LogonFacts, 'received'> = { server, username: 'anna', credentialName: 'prod' }

const received: NonNullable<LogonFacts['received']> = {
  file: '/tmp/x509up_u1000',
  content: Buffer.alloc(0),
  identity: '/CN=anna',
  subject: '/CN=anna/CN=1',
  end: at,
  now: at,
  limited: false,
  attributes: [attributes],
  warnings: [{ ...said, code: 'short-grant', data: {} }],
}

const storedOnServer: Complete<StoredCredential> = {
  name: 'home',
  owner: '/CN=anna',
  start: at,
  end: at,
  renewer: '*',
  retriever: '*/CN=anna',
  keyRetriever: '*',
  trustedRetriever: '*',
  description: 'for home',
  lockMessage: 'under investigation',
}

const place = { server, username: 'anna', credentialName: 'home' }

const notReplicated: Complete<ReplicatedSecondary>['notReplicated'] = [
  { username: 'anna', name: 'grid', error: new VoboxError('MYPROXY_REFUSED', 'no') },
]
const secondary: Complete<ReplicatedSecondary> = {
  ...{ server: 'b.example.org:7512', stored: 1, destroyed: 2, behind: 3 },
  ...{ behindSince: at, completeAt: at, failure: new VoboxError('TLS_FAILED', 'no') },
  notReplicated,
}
const replicated: Complete<Replicated> = {
  ...{ directory: '/var/lib/myproxy', now: at, credentials: 4, secondaries: [secondary] },
  withheld: [{ username: 'anna', name: 'grid', reason: 'locked' }],
  broken: notReplicated,
}

/** Documents by the section of `docs/json.md` that describes them. */
export const MYPROXY_DOCUMENTS: Readonly<Record<string, readonly string[]>> = {
  'proxy-init': [
    encodeProxyInit({
      ...proxyInit,
      attributes: [attributes],
      warnings: [{ ...said, code: 'weak-certificate', data: {} }],
    }),
  ],
  'myproxy init': [
    encodeMyProxyInit({
      ...{ ...place, identity: '/CN=anna', end: at, storedSeconds: 604_800, now: at },
      ...{ lifetimeSeconds: 43_200, policies: { renewer: '*' }, passPhrase: 'none' },
      ...{ replaced: storedOnServer, lost: ['retrieval'], attributes: [attributes] },
      localProxy: { file: '/tmp/x509up_u1000', end: at },
      warnings: [{ ...said, code: 'limited', data: {} }],
      vobox: [{ check: 'renewal', verdict: 'ok', message: said.message }],
    }),
  ],
  'myproxy info': [encodeMyProxyInfo({ ...place, credentials: [storedOnServer], now: at })],
  'myproxy destroy': [
    encodeDestroyed({ ...place, gone: storedOnServer, remaining: [storedOnServer], now: at }),
  ],
  'myproxy change-pass-phrase': [encodePassPhraseChanged(place)],
  'myproxy store': [
    encodeStored({
      ...{ ...place, identity: '/CN=anna', end: at, now: at, lifetimeSeconds: 43_200 },
      ...{ keyEncrypted: true, pairChecked: true, policies: { keyRetriever: '*' } },
      replaced: storedOnServer,
      warnings: [{ ...said, code: 'weak-certificate', data: {} }],
    }),
  ],
  'myproxy logon': [encodeLogon({ ...logon, received, trustRoots }), encodeLogon(logon)],
  'myproxy retrieve': [
    encodeRetrieved({
      ...logon,
      certificateFile: '/home/anna/.globus/usercert.pem',
      keyFile: '/home/anna/.globus/userkey.pem',
      keyEncrypted: true,
      identity: '/CN=anna',
      end: at,
      now: at,
      kept: ['/home/anna/.globus/usercert.pem.old'],
      trustRoots,
    }),
  ],
  'myproxy get-trustroots': [encodeTrustRoots(trustRoots)],
  'myproxy-server replicate': [encodeReplicated(replicated)],
}
