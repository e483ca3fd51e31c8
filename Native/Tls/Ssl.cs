using System.Runtime.InteropServices;

namespace Ambient.Native.Tls;

/// <summary>libssl 3.x, by its versioned name: the unversioned one needs a development package. Man pages: section 3ssl.</summary>
internal static unsafe partial class Ssl
{
    private const string Library = "libssl.so.3";

    /// <summary>OPENSSL_init_ssl(3).</summary>
    [LibraryImport(Library, EntryPoint = "OPENSSL_init_ssl")]
    internal static partial int Initialize(ulong options, nint settings);

    /// <summary>SSL_CTX_new(3).</summary>
    [LibraryImport(Library, EntryPoint = "TLS_client_method")]
    internal static partial nint ClientMethod();

    /// <summary>SSL_CTX_new(3).</summary>
    [LibraryImport(Library, EntryPoint = "TLS_server_method")]
    internal static partial nint ServerMethod();

    /// <summary>SSL_CTX_new(3).</summary>
    [LibraryImport(Library, EntryPoint = "SSL_CTX_new")]
    internal static partial nint ContextNew(nint method);

    /// <summary>SSL_CTX_free(3).</summary>
    [LibraryImport(Library, EntryPoint = "SSL_CTX_free")]
    internal static partial void ContextFree(nint context);

    /// <summary>SSL_CTX_ctrl(3).</summary>
    [LibraryImport(Library, EntryPoint = "SSL_CTX_ctrl")]
    internal static partial nint ContextControl(nint context, int command, nint number, void* pointer);

    /// <summary>SSL_CTX_set_options(3).</summary>
    [LibraryImport(Library, EntryPoint = "SSL_CTX_set_options")]
    internal static partial ulong ContextSetOptions(nint context, ulong options);

    /// <summary>SSL_CTX_set_security_level(3).</summary>
    [LibraryImport(Library, EntryPoint = "SSL_CTX_set_security_level")]
    internal static partial void ContextSetSecurityLevel(nint context, int level);

    /// <summary>SSL_CTX_set_ciphersuites(3).</summary>
    [LibraryImport(Library, EntryPoint = "SSL_CTX_set_ciphersuites", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int ContextSetSuites(nint context, string suites);

    /// <summary>SSL_CTX_set_verify(3).</summary>
    [LibraryImport(Library, EntryPoint = "SSL_CTX_set_verify")]
    internal static partial void ContextSetVerify(nint context, int mode, nint callback);

    /// <summary>SSL_CTX_set_verify_depth(3).</summary>
    [LibraryImport(Library, EntryPoint = "SSL_CTX_set_verify_depth")]
    internal static partial void ContextSetVerifyDepth(nint context, int depth);

    /// <summary>SSL_CTX_get_cert_store(3); the context keeps it.</summary>
    [LibraryImport(Library, EntryPoint = "SSL_CTX_get_cert_store")]
    internal static partial nint ContextStore(nint context);

    /// <summary>SSL_CTX_set1_cert_store(3); the context takes its own reference.</summary>
    [LibraryImport(Library, EntryPoint = "SSL_CTX_set1_cert_store")]
    internal static partial void ContextShareStore(nint context, nint store);

    /// <summary>SSL_CTX_use_certificate(3); the context takes its own reference.</summary>
    [LibraryImport(Library, EntryPoint = "SSL_CTX_use_certificate")]
    internal static partial int ContextUseCertificate(nint context, nint certificate);

    /// <summary>SSL_CTX_use_PrivateKey(3); the context takes its own reference.</summary>
    [LibraryImport(Library, EntryPoint = "SSL_CTX_use_PrivateKey")]
    internal static partial int ContextUsePrivateKey(nint context, nint key);

    /// <summary>SSL_CTX_check_private_key(3).</summary>
    [LibraryImport(Library, EntryPoint = "SSL_CTX_check_private_key")]
    internal static partial int ContextCheckPrivateKey(nint context);

    /// <summary>SSL_CTX_set_alpn_protos(3); 0 is success.</summary>
    [LibraryImport(Library, EntryPoint = "SSL_CTX_set_alpn_protos")]
    internal static partial int ContextSetAlpn(nint context, byte* protocols, uint bytes);

    /// <summary>SSL_CTX_set_alpn_select_cb(3).</summary>
    [LibraryImport(Library, EntryPoint = "SSL_CTX_set_alpn_select_cb")]
    internal static partial void ContextSetAlpnSelection(nint context, delegate* unmanaged[Cdecl]<nint, byte**, byte*, byte*, uint, byte*, int> callback, void* argument);

    /// <summary>SSL_select_next_proto(3).</summary>
    [LibraryImport(Library, EntryPoint = "SSL_select_next_proto")]
    internal static partial int SelectProtocol(byte** chosen, byte* chosenBytes, byte* server, uint serverBytes, byte* client, uint clientBytes);

    /// <summary>SSL_CTX_set_session_id_context(3).</summary>
    [LibraryImport(Library, EntryPoint = "SSL_CTX_set_session_id_context")]
    internal static partial int ContextSetSessionScope(nint context, byte* scope, uint bytes);

    /// <summary>SSL_CTX_set_num_tickets(3).</summary>
    [LibraryImport(Library, EntryPoint = "SSL_CTX_set_num_tickets")]
    internal static partial int ContextSetTickets(nint context, nuint count);

    /// <summary>SSL_CTX_set_max_early_data(3).</summary>
    [LibraryImport(Library, EntryPoint = "SSL_CTX_set_max_early_data")]
    internal static partial int ContextSetMaxEarlyData(nint context, uint bytes);

    /// <summary>SSL_CTX_sess_set_new_cb(3).</summary>
    [LibraryImport(Library, EntryPoint = "SSL_CTX_sess_set_new_cb")]
    internal static partial void ContextSetNewTicket(nint context, delegate* unmanaged[Cdecl]<nint, nint, int> callback);

    /// <summary>SSL_CTX_set_session_ticket_cb(3).</summary>
    [LibraryImport(Library, EntryPoint = "SSL_CTX_set_session_ticket_cb")]
    internal static partial int ContextSetTicketWriting(nint context, delegate* unmanaged[Cdecl]<nint, nint, int> writing, nint reading, nint argument);

    /// <summary>SSL_new(3); it holds the context.</summary>
    [LibraryImport(Library, EntryPoint = "SSL_new")]
    internal static partial nint New(nint context);

    /// <summary>SSL_free(3).</summary>
    [LibraryImport(Library, EntryPoint = "SSL_free")]
    internal static partial void Free(nint ssl);

    /// <summary>SSL_set_bio(3); one BIO for both directions passes one reference.</summary>
    [LibraryImport(Library, EntryPoint = "SSL_set_bio")]
    internal static partial void SetBio(nint ssl, nint read, nint write);

    /// <summary>SSL_get_rbio(3).</summary>
    [LibraryImport(Library, EntryPoint = "SSL_get_rbio")]
    internal static partial nint ReadBio(nint ssl);

    /// <summary>SSL_set_connect_state(3).</summary>
    [LibraryImport(Library, EntryPoint = "SSL_set_connect_state")]
    internal static partial void SetConnectState(nint ssl);

    /// <summary>SSL_set_accept_state(3).</summary>
    [LibraryImport(Library, EntryPoint = "SSL_set_accept_state")]
    internal static partial void SetAcceptState(nint ssl);

    /// <summary>SSL_do_handshake(3).</summary>
    [LibraryImport(Library, EntryPoint = "SSL_do_handshake")]
    internal static partial int Handshake(nint ssl);

    /// <summary>SSL_read(3).</summary>
    [LibraryImport(Library, EntryPoint = "SSL_read")]
    internal static partial int Read(nint ssl, byte* into, int bytes);

    /// <summary>SSL_write(3).</summary>
    [LibraryImport(Library, EntryPoint = "SSL_write")]
    internal static partial int Write(nint ssl, byte* from, int bytes);

    /// <summary>SSL_key_update(3); the message goes out with the next write.</summary>
    [LibraryImport(Library, EntryPoint = "SSL_key_update")]
    internal static partial int KeyUpdate(nint ssl, int kind);

    /// <summary>SSL_shutdown(3).</summary>
    [LibraryImport(Library, EntryPoint = "SSL_shutdown")]
    internal static partial int Shutdown(nint ssl);

    /// <summary>SSL_set_shutdown(3).</summary>
    [LibraryImport(Library, EntryPoint = "SSL_set_shutdown")]
    internal static partial void SetShutdown(nint ssl, int state);

    /// <summary>SSL_get_error(3); it looks at the thread's error queue, which must have been empty before the call that failed.</summary>
    [LibraryImport(Library, EntryPoint = "SSL_get_error")]
    internal static partial int Error(nint ssl, int result);

    /// <summary>SSL_get_verify_result(3).</summary>
    [LibraryImport(Library, EntryPoint = "SSL_get_verify_result")]
    internal static partial nint VerifyResult(nint ssl);

    /// <summary>SSL_get1_peer_certificate(3); the caller frees.</summary>
    [LibraryImport(Library, EntryPoint = "SSL_get1_peer_certificate")]
    internal static partial nint PeerCertificate(nint ssl);

    /// <summary>SSL_get_peer_cert_chain(3); the session keeps it.</summary>
    [LibraryImport(Library, EntryPoint = "SSL_get_peer_cert_chain")]
    internal static partial nint PeerChain(nint ssl);

    /// <summary>SSL_get0_alpn_selected(3).</summary>
    [LibraryImport(Library, EntryPoint = "SSL_get0_alpn_selected")]
    internal static partial void SelectedAlpn(nint ssl, byte** protocol, uint* bytes);

    /// <summary>SSL_get_current_cipher(3).</summary>
    [LibraryImport(Library, EntryPoint = "SSL_get_current_cipher")]
    internal static partial nint CurrentCipher(nint ssl);

    /// <summary>SSL_CIPHER_get_name(3).</summary>
    [LibraryImport(Library, EntryPoint = "SSL_CIPHER_get_name")]
    internal static partial nint CipherName(nint cipher);

    /// <summary>SSL_ctrl(3).</summary>
    [LibraryImport(Library, EntryPoint = "SSL_ctrl")]
    internal static partial nint Control(nint ssl, int command, nint number, void* pointer);

    /// <summary>SSL_group_to_name(3).</summary>
    [LibraryImport(Library, EntryPoint = "SSL_group_to_name")]
    internal static partial nint GroupName(nint ssl, int group);

    /// <summary>SSL_session_reused(3).</summary>
    [LibraryImport(Library, EntryPoint = "SSL_session_reused")]
    internal static partial int IsResumed(nint ssl);

    /// <summary>SSL_get_session(3); the session keeps it.</summary>
    [LibraryImport(Library, EntryPoint = "SSL_get_session")]
    internal static partial nint Session(nint ssl);

    /// <summary>SSL_set_session(3); it takes its own reference.</summary>
    [LibraryImport(Library, EntryPoint = "SSL_set_session")]
    internal static partial int SetSession(nint ssl, nint session);

    /// <summary>SSL_SESSION_free(3).</summary>
    [LibraryImport(Library, EntryPoint = "SSL_SESSION_free")]
    internal static partial void SessionFree(nint session);

    /// <summary>SSL_SESSION_set1_ticket_appdata(3); it copies.</summary>
    [LibraryImport(Library, EntryPoint = "SSL_SESSION_set1_ticket_appdata")]
    internal static partial int SessionSetTicketData(nint session, byte* data, nuint bytes);

    /// <summary>SSL_SESSION_get0_ticket_appdata(3); the session keeps it.</summary>
    [LibraryImport(Library, EntryPoint = "SSL_SESSION_get0_ticket_appdata")]
    internal static partial int SessionTicketData(nint session, byte** data, nuint* bytes);
}
