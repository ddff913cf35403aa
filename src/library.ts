/**
 * The library for other programs: `import { MyProxyClient } from 'vobox-proxy'`.
 *
 * It speaks to MyProxy servers without any Globus tool, prints nothing, reads no terminal and never
 * ends the process. Every failure is a {@link VoboxError} with a stable `code`, which says whether
 * trying again can help. What is exported here keeps its form within a major version; what else the
 * package exports belongs to its own commands.
 *
 * @module vobox-proxy
 */
export {
  ERROR_CODES,
  type ErrorCode,
  type FailureDetails,
  isVoboxError,
  type Persistence,
  VoboxError,
} from './errors.js'
export type { Attempt, AttemptOutcome, AttemptPhase, FailedAttempt } from './gsi/reach.js'
export type { OpeningPhase } from './gsi/secure-channel.js'
export type { ServerAddress } from './gsi/server-address.js'
export type {
  AccessPolicies,
  AnonymousCall,
  Answered,
  AuthenticateCall,
  CertifyCall,
  CertifyResult,
  ChangePassPhraseCall,
  CredentialCall,
  DelegationCall,
  DestroyCall,
  GetCall,
  GetResult,
  GetTrustRootsCall,
  GetTrustRootsResult,
  InfoCall,
  InfoResult,
  MyProxyCall,
  OwnerCall,
  PassPhrase,
  PutCall,
  RetrieveCall,
  RetrievedFiles,
  StoreCall,
  StoredChain,
  StoredCredential,
  StoredFiles,
  StoredTerms,
  TrustRootFile,
  TrustRootsWish,
  WithTrustRoots,
} from './myproxy/client.js'
export { DEFAULT_MYPROXY_PORT, type MyProxyServer, parseServerList } from './myproxy/server-list.js'
export { type CallOf, MyProxyClient, type PrimaryWish } from './node/myproxy/my-proxy-client.js'
export type { OpenMyProxyOptions } from './node/myproxy/my-proxy-options.js'
export { asUnixSeconds, type UnixSeconds } from './ports/clock.js'
export type { Journal, JournalFields, JournalLevel } from './ports/journal.js'
export type { KeyGenerator, KeyKind } from './ports/key-generator.js'
export { type Credential, encodeCredential, parseCredential } from './proxy/credential.js'
export {
  type BasicConstraints,
  type Certificate,
  type CertificateExtension,
  type KeyUsage,
  parseCertificate,
  type SubjectAltNames,
} from './x509/certificate.js'
export type { Name, NameAttribute } from './x509/name.js'
export { encodePem } from './x509/pem.js'
export type { SignatureAlgorithm } from './x509/signature-algorithms.js'
