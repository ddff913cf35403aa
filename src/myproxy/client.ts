/** The MyProxy client's protocol: each command is one exchange, in a file of its own. */

export type { MyProxyContext } from './context.js'
export type { DelegationCall } from './exchanges/ask-for-delegation.js'
export { type AuthenticateCall, requestAuthentication } from './exchanges/authenticate.js'
export type {
  AccessPolicies,
  AnonymousCall,
  Answered,
  CredentialCall,
  MyProxyCall,
  OwnerCall,
  PassPhrase,
  StoredTerms,
  TrustRootsWish,
  WithTrustRoots,
} from './exchanges/call.js'
export { type CertifyCall, type CertifyResult, requestCertificate } from './exchanges/certify.js'
export {
  type ChangePassPhraseCall,
  requestChangePassPhrase,
} from './exchanges/change-pass-phrase.js'
export { type DestroyCall, requestDestroy } from './exchanges/destroy.js'
export { type GetCall, type GetResult, requestGet } from './exchanges/get.js'
export {
  type GetTrustRootsCall,
  type GetTrustRootsResult,
  requestTrustRoots,
} from './exchanges/get-trust-roots.js'
export { type InfoCall, type InfoResult, requestInfo } from './exchanges/info.js'
export { type PutCall, requestPut } from './exchanges/put.js'
export { type RenewalCall, requestRenewal } from './exchanges/renewal.js'
export { type RetrieveCall, type RetrievedFiles, requestRetrieval } from './exchanges/retrieve.js'
export { requestStore, type StoreCall } from './exchanges/store.js'
export type { StoredCredential } from './response.js'
export type { StoredChain, StoredFiles } from './stored-files.js'
export type { TrustRootFile } from './trust-roots.js'
