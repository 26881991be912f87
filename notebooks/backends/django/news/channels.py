"""Who may read which channel."""

from django_eventstream.channelmanager import DefaultChannelManager


class ChannelManager(DefaultChannelManager):
    """The channel `staff` is for members of the staff."""

    def can_read_channel(self, user, channel):
        return channel != "staff" or (user is not None and user.is_staff)
