using System.Runtime.Versioning;
using System.Security.AccessControl;
using System.Security.Principal;

namespace Litestream.PowerShell;

/// <summary>The access list of a folder on Windows in which nobody but this user and the system may write: that of the control sockets, that of services.</summary>
/// <remarks>
/// It is made closed: full control for this user, SYSTEM and Administrators, nothing for anybody else and nothing from the folder above.
/// One that is there already is believed if nobody else owns it, and nobody else may do more with it than read: to connect to a socket takes
/// the right to write to its file, and whoever may write to a service's script is whoever the service runs as. Denials are passed over, since they only take away.
/// </remarks>
[SupportedOSPlatform("windows")]
internal static class ClosedFolder
{
    private const InheritanceFlags FolderAndFiles = InheritanceFlags.ContainerInherit | InheritanceFlags.ObjectInherit;
    private const FileSystemRights Harmless = FileSystemRights.ReadAndExecute | FileSystemRights.Synchronize;

    private static readonly SecurityIdentifier LocalSystem = new(WellKnownSidType.LocalSystemSid, null);
    private static readonly SecurityIdentifier Administrators = new(WellKnownSidType.BuiltinAdministratorsSid, null);

    private static readonly SecurityIdentifier AuthenticatedUsers = new(WellKnownSidType.AuthenticatedUserSid, null);

    // Stand for whoever owns a file, who in a closed folder can only be one of those that it is open to.
    private static readonly SecurityIdentifier CreatorOwner = new(WellKnownSidType.CreatorOwnerSid, null);
    private static readonly SecurityIdentifier OwnerRights = new(WellKnownSidType.WinCreatorOwnerRightsSid, null);

    /// <summary>Makes a folder and what is missing above it, closed from the first moment on. No error if it is there.</summary>
    /// <param name="path">Full path.</param>
    /// <param name="readable">All who have signed in, services among them, may read what is in it.</param>
    /// <exception cref="IOException">It cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be made.</exception>
    internal static void Create(string path, bool readable = false)
    {
        DirectorySecurity closed = new();
        closed.SetAccessRuleProtection(isProtected: true, preserveInheritance: false);
        foreach (SecurityIdentifier who in (SecurityIdentifier[])[CurrentUser(), LocalSystem, Administrators])
        {
            closed.AddAccessRule(new FileSystemAccessRule(
                who, FileSystemRights.FullControl, FolderAndFiles, PropagationFlags.None, AccessControlType.Allow));
        }

        if (readable)
        {
            closed.AddAccessRule(new FileSystemAccessRule(
                AuthenticatedUsers, FileSystemRights.ReadAndExecute, FolderAndFiles, PropagationFlags.None, AccessControlType.Allow));
        }

        new DirectoryInfo(path).Create(closed);
    }

    /// <summary>Why a folder is not believed to be this user's alone; null if it is.</summary>
    /// <param name="path">Full path of what is there.</param>
    internal static string? Distrust(string path)
    {
        DirectoryInfo folder = new(path);
        if ((folder.Attributes & FileAttributes.ReparsePoint) != 0)
        {
            return "it is a link";
        }

        try
        {
            return Distrust(folder.GetAccessControl(AccessControlSections.Owner | AccessControlSections.Access));
        }
        catch (Exception exception) when (
            exception is IOException or UnauthorizedAccessException or NotSupportedException or InvalidOperationException)
        {
            return $"its access list cannot be read: {exception.Message}";
        }
    }

    private static string? Distrust(DirectorySecurity security)
    {
        SecurityIdentifier user = CurrentUser();
        SecurityIdentifier? owner = (SecurityIdentifier?)security.GetOwner(typeof(SecurityIdentifier));
        if (owner != user && owner != LocalSystem && owner != Administrators)
        {
            return $"it belongs to {NameOf(owner)}";
        }

        HashSet<IdentityReference> ours = [user, LocalSystem, Administrators, CreatorOwner, OwnerRights];
        FileSystemAccessRule? foreign = security.GetAccessRules(includeExplicit: true, includeInherited: true, typeof(SecurityIdentifier))
            .Cast<FileSystemAccessRule>()
            .FirstOrDefault(rule => rule.AccessControlType == AccessControlType.Allow && (rule.FileSystemRights & ~Harmless) != 0
                && !ours.Contains(rule.IdentityReference));
        return foreign is null ? null : $"{NameOf(foreign.IdentityReference)} may write to it";
    }

    private static SecurityIdentifier CurrentUser()
    {
        using WindowsIdentity identity = WindowsIdentity.GetCurrent();
        return identity.User!;
    }

    private static string NameOf(IdentityReference? who)
    {
        try
        {
            return who?.Translate(typeof(NTAccount)).Value ?? "nobody";
        }
        catch (IdentityNotMappedException)
        {
            return who!.Value; // an account that was deleted, or of a domain that cannot be asked now
        }
    }
}
