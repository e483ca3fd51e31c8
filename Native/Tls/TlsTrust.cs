using System.Runtime.InteropServices;

namespace Ambient.Native.Tls;

/// <summary>
/// Certificates that end a peer's chain, parsed once (an X509_STORE). Contexts of the same bundle share it: a certificate takes libcrypto
/// 0.2 ms and 4 KB. Immutable; any thread. Contexts that use it keep it alive.
/// </summary>
public sealed class TlsTrust : IDisposable
{
    private const nuint TrustAnyOfBundle = 0x80000;       // X509_V_FLAG_PARTIAL_CHAIN

    private readonly byte[][] _bundle;
    private readonly StoreHandle _store;

    /// <param name="bundle">As <see cref="TlsSettings.TrustBundle"/>; copied.</param>
    /// <exception cref="TlsException">It is empty or cannot be used, or there is no OpenSSL 3.</exception>
    public TlsTrust(IReadOnlyList<ReadOnlyMemory<byte>> bundle)
    {
        TlsLibrary.EnsureLoaded();
        Require(bundle.Count > 0, "The trust bundle is empty");
        _bundle = [.. bundle.Select(der => der.ToArray())];
        _store = new StoreHandle(Crypto.StoreNew());
        try
        {
            Require(!_store.IsInvalid, "No certificate store can be made");
            nint store = _store.DangerousGetHandle();
            foreach (byte[] der in _bundle) Add(store, der);
            Require(Crypto.StoreSetFlags(store, TrustAnyOfBundle) == 1, "The trust bundle cannot be used");
        }
        catch
        {
            _store.Dispose();
            throw;
        }
    }

    /// <summary>Whether it is this bundle, certificate for certificate.</summary>
    public bool Is(IReadOnlyList<ReadOnlyMemory<byte>> bundle) =>
        bundle.Count == _bundle.Length && _bundle.Zip(bundle).All(pair => pair.Second.Span.SequenceEqual(pair.First));

    /// <summary>Lets go; contexts that share it go on.</summary>
    public void Dispose() => _store.Dispose();

    /// <summary>Makes it the store of a context, which takes its own reference.</summary>
    internal void GiveTo(nint context)
    {
        bool isHeld = false;
        try
        {
            _store.DangerousAddRef(ref isHeld);
            Ssl.ContextShareStore(context, _store.DangerousGetHandle());
        }
        finally
        {
            if (isHeld)
                _store.DangerousRelease();
        }
    }

    private static void Add(nint store, byte[] der)
    {
        nint certificate = TlsContext.ReadCertificate(der, "A certificate of the trust bundle");
        bool isAdded = Crypto.StoreAdd(store, certificate) == 1;
        Crypto.CertificateFree(certificate);
        Require(isAdded, "The trust bundle cannot be used");
    }

    private static void Require(bool isGood, string what)
    {
        if (!isGood)
            throw TlsFailure.Exception(what);
    }

    private sealed class StoreHandle : SafeHandle
    {
        public StoreHandle(nint store) : base(0, ownsHandle: true) => SetHandle(store);

        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle()
        {
            Crypto.StoreFree(handle);
            return true;
        }
    }
}
