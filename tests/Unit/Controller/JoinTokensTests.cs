using Ambient.Controller.Authority;
using FsCheck;
using FsCheck.Fluent;

namespace Ambient.Tests.Unit.Controller;

public sealed class JoinTokensTests : IDisposable
{
    private static readonly DateTimeOffset Expiry = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);
    private readonly string _folder = Directory.CreateTempSubdirectory("ambient-tokens-").FullName;
    private readonly JoinTokens _tokens;

    public JoinTokensTests() => _tokens = JoinTokens.OfState(new StateFolder(_folder));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_token_names_its_node_until_the_last_second_before_its_expiry()
    {
        var token = _tokens.Create("node-a", Expiry);

        Assert.True(_tokens.TryVerify(token, Expiry.AddSeconds(-1), out var node, out _));
        Assert.Equal("node-a", node);
        Assert.False(_tokens.TryVerify(token, Expiry, out _, out var reason));
        Assert.Contains("expired", reason);
    }

    [Fact]
    public void Any_node_name_comes_back_as_it_was() =>
        Prop.ForAll<NonNull<string>>(name =>
        {
            var valid = new string([.. name.Get.Where(c => !char.IsSurrogate(c)).Take(200)]);
            return _tokens.TryVerify(_tokens.Create(valid, Expiry), Expiry.AddDays(-1), out var node, out _) && node == valid;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_token_with_any_character_changed_added_or_removed_is_refused()
    {
        var token = _tokens.Create("node-a", Expiry);
        var mutated = from at in Gen.Choose(0, token.Length - 1)
                      from what in Gen.Choose(0, 2)
                      from c in Gen.Elements("abcXYZ019-_.= \n".ToCharArray())
                      select what switch { 0 => token.Remove(at, 1), 1 => token.Insert(at, $"{c}"), _ => token[..at] + c + token[(at + 1)..] };
        // The last character carries four bits of the MAC and two of padding, which must be zero: another spelling is no twin.
        Prop.ForAll(Arb.From(mutated), text => text == token || !_tokens.TryVerify(text, Expiry.AddDays(-1), out _, out _)).QuickCheckThrowOnFailure();
        foreach (var c in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=".Where(c => c != token[^1]))
            Assert.False(_tokens.TryVerify(token[..^1] + c, Expiry.AddDays(-1), out _, out _), $"last character {c}");
    }

    [Fact]
    public void Any_text_at_all_is_answered_without_an_exception() =>
        Prop.ForAll<string?>(text => !_tokens.TryVerify(text, Expiry.AddDays(-1), out _, out var reason) && reason.Length > 0).QuickCheckThrowOnFailure();

    [Fact]
    public void A_token_of_another_controller_is_refused()
    {
        var other = Directory.CreateTempSubdirectory("ambient-tokens-").FullName;
        try
        {
            var token = JoinTokens.OfState(new StateFolder(other)).Create("node-a", Expiry);
            Assert.False(_tokens.TryVerify(token, Expiry.AddDays(-1), out _, out _));
        }
        finally
        {
            Directory.Delete(other, recursive: true);
        }
    }

    [Fact]
    public void The_key_is_private_and_is_the_same_after_a_restart()
    {
        var token = _tokens.Create("node-a", Expiry);
        Assert.True(JoinTokens.OfState(new StateFolder(_folder)).TryVerify(token, Expiry.AddDays(-1), out _, out _));
#pragma warning disable CA1416 // Linux only, as the whole product.
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_folder, "token-key")));
#pragma warning restore CA1416
    }

    [Fact]
    public void A_damaged_key_is_named_and_not_replaced()
    {
        File.WriteAllText(Path.Combine(_folder, "token-key"), "not a key");
        Assert.Contains("token-key", Assert.Throws<AuthorityException>(() => JoinTokens.OfState(new StateFolder(_folder))).Message);
    }
}
