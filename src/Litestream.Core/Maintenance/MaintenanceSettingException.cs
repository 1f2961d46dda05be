namespace Litestream.Maintenance;

/// <summary>Settings of levels, snapshots and retention that contradict each other.</summary>
public sealed class MaintenanceSettingException : LitestreamException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened, what is safe, what to do.</param>
    /// <param name="innerException">The cause, if another error is behind it.</param>
    public MaintenanceSettingException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <inheritdoc/>
    public override string ErrorId => "MaintenanceSettingInvalid";
}
